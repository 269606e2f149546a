/** The connection of a service to Redis. */
@NullMarked
package io.agentserver.service.redis;

import org.jspecify.annotations.NullMarked;
