/** Tests. */
@NullMarked
package io.agentserver.pump.http;

import org.jspecify.annotations.NullMarked;
