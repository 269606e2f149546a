/** The gateway: HTTP in, Kafka out; conversations, organisms, keys and tenants over HTTP. */
@NullMarked
package io.agentserver.gateway;

import org.jspecify.annotations.NullMarked;
