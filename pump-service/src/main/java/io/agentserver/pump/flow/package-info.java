/** One message from the log to the log: verified, routed, begun, handled, stamped, completed, put out. */
@NullMarked
package io.agentserver.pump.flow;

import org.jspecify.annotations.NullMarked;
