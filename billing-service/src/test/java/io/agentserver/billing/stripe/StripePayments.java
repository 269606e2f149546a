package io.agentserver.billing.stripe;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.envelope.TenantId;

import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.util.UUID;

/** Payments at a double of Stripe, for the tests of other packages. */
public final class StripePayments implements AutoCloseable {
    private final StripeDouble stripe = new StripeDouble(Clock.systemUTC());
    private final StripeAccount account;
    private final PaymentSweep sweep;

    public StripePayments(LedgerStore store) throws IOException {
        account = new StripeAccount(stripe.settings(), store);
        sweep = new PaymentSweep(account, new Ledger(store), Clock.systemUTC());
    }

    /** Returns the payment's id. */
    public String pay(TenantId tenant, int cents) {
        URI page = URI.create("https://console.example/credit");
        return stripe.pay(account.page(tenant, UUID.randomUUID(), new TopUpAmount(cents), page, page)
                .toString());
    }

    public void loseStatus(String payment) {
        stripe.loseStatus(payment);
    }

    public PaymentSweep sweep() {
        return sweep;
    }

    public void postMissing() {
        sweep.postMissing();
    }

    @Override
    public void close() {
        stripe.close();
    }
}
