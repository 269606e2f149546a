/** The connections between services. */
@NullMarked
package io.agentserver.service.grpc;

import org.jspecify.annotations.NullMarked;
