/** Tests. */
@NullMarked
package io.agentserver.pump.handler;

import org.jspecify.annotations.NullMarked;
