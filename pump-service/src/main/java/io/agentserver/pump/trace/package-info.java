/** The trace of a message and the ids in its log lines. */
@NullMarked
package io.agentserver.pump.trace;

import org.jspecify.annotations.NullMarked;
