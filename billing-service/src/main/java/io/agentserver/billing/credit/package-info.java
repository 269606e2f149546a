/** Tells gateways and routers, through Redis, what each tenant has left. */
@NullMarked
package io.agentserver.billing.credit;

import org.jspecify.annotations.NullMarked;
