/** {@code POST /v1/respond/{token}}: what a service says later about a message that it was handed. */
@NullMarked
package io.agentserver.gateway.respond;

import org.jspecify.annotations.NullMarked;
