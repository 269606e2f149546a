package io.agentserver.billing.topup;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry;
import org.junit.jupiter.api.Test;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class StartingCreditsTest {
    private final TenantId tenant = Calls.newTenant();
    private final Ledger ledger = new Ledger(new MemoryLedgerStore());

    @Test
    void a_tenant_gets_its_plans_credit_once_for_ever() {
        StartingCredits credits = new StartingCredits(ledger);
        credits.see(entry("default", 1));
        credits.give();
        credits.see(entry("default", 2));
        credits.see(entry("dev", 3));
        credits.give();

        StartingCredits afterRestart = new StartingCredits(ledger);
        afterRestart.see(entry("dev", 3));
        afterRestart.give();

        assertThat(ledger.balance(tenant).credit()).isEqualTo(new MicroUsd(5_000_000));
    }

    @Test
    void a_plan_that_nobody_knows_gives_nothing_and_stops_nobody() {
        StartingCredits credits = new StartingCredits(ledger);
        TenantId other = Calls.newTenant();
        credits.see(entry("of-tomorrow", 1));
        credits.see(entry(other, "dev", 1));

        credits.give();

        assertThat(ledger.balance(tenant).version()).isZero();
        assertThat(ledger.balance(other).credit()).isEqualTo(new MicroUsd(1_000_000_000));
    }

    private TenantEntry entry(String plan, long revision) {
        return entry(tenant, plan, revision);
    }

    private static TenantEntry entry(TenantId tenant, String plan, long revision) {
        return new TenantEntry(tenant.value(), "Some org", plan, revision, Calls.NOON, 0, List.of(), List.of());
    }
}
