/** The journal as a gRPC service. */
@NullMarked
package io.agentserver.buffer.grpc;

import org.jspecify.annotations.NullMarked;
