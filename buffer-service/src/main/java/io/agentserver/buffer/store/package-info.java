/** Where commits are kept: the port {@link io.agentserver.buffer.store.ThreadStore} and what decorates it. */
@NullMarked
package io.agentserver.buffer.store;

import org.jspecify.annotations.NullMarked;
