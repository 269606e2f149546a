/** Commits in Redis. */
@NullMarked
package io.agentserver.buffer.store.redis;

import org.jspecify.annotations.NullMarked;
