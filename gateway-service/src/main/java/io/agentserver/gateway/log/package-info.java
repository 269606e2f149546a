/** The gateway's end of the log: what it appends, and that the broker has it. */
@NullMarked
package io.agentserver.gateway.log;

import org.jspecify.annotations.NullMarked;
