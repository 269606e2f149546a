/** Conversations out: reads, waiting for a turn, server-sent events. */
@NullMarked
package io.agentserver.gateway.threads;

import org.jspecify.annotations.NullMarked;
