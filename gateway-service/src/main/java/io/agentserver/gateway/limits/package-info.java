/** How much a tenant and each of its keys may ask of all gateways together. */
@NullMarked
package io.agentserver.gateway.limits;

import org.jspecify.annotations.NullMarked;
