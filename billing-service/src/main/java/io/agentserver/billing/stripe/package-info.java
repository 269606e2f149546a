/** Stripe, through its own library: customers, pages to pay on, webhooks, payments listed, usage metered. */
@NullMarked
package io.agentserver.billing.stripe;

import org.jspecify.annotations.NullMarked;
