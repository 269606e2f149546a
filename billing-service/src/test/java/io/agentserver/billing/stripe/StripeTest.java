package io.agentserver.billing.stripe;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.UUID;

/** A ledger, and a Stripe of its own for each test. */
abstract class StripeTest {
    static final URI SUCCESS = URI.create("https://console.example/credit?paid");
    static final URI CANCEL = URI.create("https://console.example/credit");

    /** How long the library waits for an answer here. */
    static final Duration READ_LIMIT = Duration.ofMillis(400);

    final TenantId tenant = Calls.newTenant();
    final TestClock clock = new TestClock();
    final MemoryLedgerStore store = new MemoryLedgerStore();
    final Ledger ledger = new Ledger(store);

    StripeDouble stripe;
    StripeAccount account;

    @BeforeEach
    void startStripe() throws IOException {
        stripe = new StripeDouble(clock);
        account = new StripeAccount(stripe.settings(), store, READ_LIMIT);
    }

    @AfterEach
    void stopStripe() {
        stripe.close();
    }

    /** Pays for a top-up; returns the payment's id. */
    String paid(int cents) {
        URI page = account.page(tenant, UUID.randomUUID(), new TopUpAmount(cents), SUCCESS, CANCEL);
        return stripe.pay(page.toString());
    }

    MicroUsd credit() {
        return ledger.balance(tenant).credit();
    }

    static MicroUsd dollars(long dollars) {
        return MicroUsd.ofCents(dollars * 100);
    }
}
