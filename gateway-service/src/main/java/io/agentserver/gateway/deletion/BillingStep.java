package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.billing.Billing;
import org.jspecify.annotations.Nullable;

import java.time.Instant;

/** The console's people, the counts of messages and of usage by day: billing's to delete. The ledger's postings stay. */
final class BillingStep implements DeletionStep {
    private final Billing billing;

    BillingStep(Billing billing) {
        this.billing = billing;
    }

    @Override
    public String store() {
        return "billing";
    }

    @Override
    public @Nullable String kept() {
        return "the ledger's postings and the usage records they were made from, under the tenant's id and without its name,"
                + " and its customer number at Stripe: accounts must be kept for as long as tax law says";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        return Part.of(billing.forget(tenant), "");
    }
}
