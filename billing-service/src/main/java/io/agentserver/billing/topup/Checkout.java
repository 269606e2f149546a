package io.agentserver.billing.topup;

import io.agentserver.envelope.TenantId;

import java.net.URI;
import java.util.UUID;

/** A page of Stripe's where a person pays. */
public interface Checkout {
    /**
     * Makes the page; the same attempt again gets the same one.
     *
     * @throws PaymentsAwayException if Stripe does not answer
     */
    URI page(TenantId tenant, UUID attempt, TopUpAmount amount, URI success, URI cancel);
}
