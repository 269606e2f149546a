/** Tests. */
@NullMarked
package io.agentserver.pump.grpc;

import org.jspecify.annotations.NullMarked;
