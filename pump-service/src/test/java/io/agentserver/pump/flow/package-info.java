/** Tests. */
@NullMarked
package io.agentserver.pump.flow;

import org.jspecify.annotations.NullMarked;
