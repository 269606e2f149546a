/** The buffer service: conversations' journals behind gRPC. What is wired to what: {@link io.agentserver.buffer.BufferConfiguration}. */
@NullMarked
package io.agentserver.buffer;

import org.jspecify.annotations.NullMarked;
