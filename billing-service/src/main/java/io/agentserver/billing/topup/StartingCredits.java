package io.agentserver.billing.topup;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Gives each tenant, once for ever, the credit that its plan starts with, as soon as the tenant is in the directory.
 * Idempotent, by the tenant's id, which is never used again; a change of plan gives no more.
 */
public final class StartingCredits {
    private static final Logger LOG = LoggerFactory.getLogger(StartingCredits.class);

    private final Ledger ledger;
    private final Set<String> given = ConcurrentHashMap.newKeySet();
    private final LinkedBlockingQueue<TenantEntry> seen = new LinkedBlockingQueue<>();

    public StartingCredits(Ledger ledger) {
        this.ledger = ledger;
    }

    /** Takes note of a tenant; blocks on nothing, so that the directory's thread may call it. */
    public void see(TenantEntry tenant) {
        if (!given.contains(tenant.id())) {
            seen.add(tenant);
        }
    }

    /** Posts for those that were seen; throws what the store's absence throws, and forgets none. */
    public void give() {
        for (TenantEntry next = seen.peek(); next != null; next = seen.peek()) {
            give(next);
            seen.remove(next);
        }
    }

    private void give(TenantEntry tenant) {
        if (given.contains(tenant.id())) {
            return;
        }
        Optional<Plan> plan = Plan.of(tenant.plan());
        if (plan.isEmpty()) {
            LOG.error("tenant {} has the unknown plan {}: no starting credit", tenant.id(), tenant.plan());
        } else if (ledger.find(groupOf(tenant)).isEmpty()) {
            TenantId id = new TenantId(tenant.id());
            ledger.post(List.of(PostingGroup.transfer(
                    groupOf(tenant),
                    id,
                    tenant.createdAt(),
                    new MicroUsd(plan.get().startingCreditMicrousd()),
                    Account.STARTING_CREDIT,
                    Account.creditOf(id))));
        }
        given.add(tenant.id());
    }

    private static GroupId groupOf(TenantEntry tenant) {
        return GroupId.of(GroupKind.STARTING_CREDIT, tenant.id());
    }
}
