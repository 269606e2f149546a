/** Tests. */
@NullMarked
package io.agentserver.pump.log;

import org.jspecify.annotations.NullMarked;
