/** A tenant's API keys and the public keys that it signs with. */
@NullMarked
package io.agentserver.gateway.keys;

import org.jspecify.annotations.NullMarked;
