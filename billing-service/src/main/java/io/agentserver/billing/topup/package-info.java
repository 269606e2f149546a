/** How a tenant gets credit: a page of Stripe's, the test card of dev, or what its plan gives it at the start. */
@NullMarked
package io.agentserver.billing.topup;

import org.jspecify.annotations.NullMarked;
