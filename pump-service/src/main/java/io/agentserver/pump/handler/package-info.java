/** What does a listener's work: one message in, outputs returned, nothing written. The built-in tools live here. */
@NullMarked
package io.agentserver.pump.handler;

import org.jspecify.annotations.NullMarked;
