/** What the gateway asks of billing-service. */
@NullMarked
package io.agentserver.gateway.billing;

import org.jspecify.annotations.NullMarked;
