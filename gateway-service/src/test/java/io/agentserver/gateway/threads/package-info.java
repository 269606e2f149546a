/** Server-sent events as text. */
@NullMarked
package io.agentserver.gateway.threads;

import org.jspecify.annotations.NullMarked;
