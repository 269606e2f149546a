/** Who calls: API keys and their scopes. */
@NullMarked
package io.agentserver.gateway.callers;

import org.jspecify.annotations.NullMarked;
