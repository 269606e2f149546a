package io.agentserver.standalone.faults;

import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.Posting;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/**
 * Reads the ledger beside the slots and beside what Redis keeps of credit, when all is at rest: every receipt of a slot is
 * posted, no call of a model is paid twice, the postings sum to 0 and to each tenant's balance, Redis has that balance, and
 * nothing is held or owed any more.
 */
final class MoneyChecker {
    /** What a call of a model is known by: a handler here asks once for each message of its thread. */
    private record Asked(TenantId tenant, String thread, String message) {
        @Override
        public String toString() {
            return tenant + "'s message " + message + " in thread " + thread;
        }
    }

    /**
     * What a run has to say of its money.
     *
     * @param receipts of the slots of its conversations
     * @param mayPayAgain whether a router, or what it remembers of answers, was hit: a call that broke off there has cost what
     *     it used, and its repeat costs again
     * @param mayOweLonger whether Redis was emptied: what was settled just then is counted twice until billing looks it over
     */
    record Run(Set<String> conversations, Set<UUID> receipts, boolean mayPayAgain, boolean mayOweLonger) {}

    private final LedgerStore ledger;
    private final Set<TenantId> tenants;
    private final Function<TenantId, CreditKept> kept;

    MoneyChecker(LedgerStore ledger, Set<TenantId> tenants, Function<TenantId, CreditKept> kept) {
        this.ledger = ledger;
        this.tenants = tenants;
        this.kept = kept;
    }

    /** @return what is wrong, or not at rest yet */
    List<String> check(Run run) {
        List<String> faults = new ArrayList<>();
        Map<GroupId, PostingGroup> groups = new HashMap<>();
        ledger.forEach(
                group -> {
                    if (groups.put(group.id(), group) != null) {
                        faults.add("two posting groups " + group.id());
                    }
                },
                unreadable -> faults.add("posting group " + unreadable.id() + ": " + unreadable.reason()));
        run.receipts().stream()
                .filter(receipt -> !groups.containsKey(GroupId.ofReceipt(receipt)))
                .forEach(receipt -> faults.add("receipt " + receipt + " of a slot is not posted"));
        if (!run.mayPayAgain()) {
            faults.addAll(paidTwice(groups.values(), run.conversations()));
        }
        MicroUsd sum = groups.values().stream()
                .flatMap(group -> group.postings().stream())
                .map(Posting::amount)
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
        if (!sum.isZero()) {
            faults.add("all postings sum to " + sum);
        }
        tenants.forEach(tenant -> faults.addAll(credit(tenant, groups, run)));
        return faults;
    }

    private static List<String> paidTwice(Iterable<PostingGroup> groups, Set<String> conversations) {
        Map<Asked, GroupId> paid = new HashMap<>();
        List<String> twice = new ArrayList<>();
        for (PostingGroup group : groups) {
            CallUsage call = group.usage();
            if (call == null || call.price().isZero() || !conversations.contains(text(call.conversation()))) {
                continue;
            }
            Asked asked = new Asked(group.tenant(), text(call.thread()), text(call.message()));
            GroupId before = paid.putIfAbsent(asked, group.id());
            if (before != null) {
                twice.add(asked + " is paid twice: " + before + ", " + group.id());
            }
        }
        return twice;
    }

    private static String text(@Nullable String value) {
        return Optional.ofNullable(value).orElse("");
    }

    private List<String> credit(TenantId tenant, Map<GroupId, PostingGroup> groups, Run run) {
        List<String> faults = new ArrayList<>();
        MicroUsd sum = groups.values().stream()
                .filter(group -> group.tenant().equals(tenant))
                .map(group -> group.toCredit().negated())
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
        MicroUsd balance = ledger.balance(tenant).credit();
        if (!balance.equals(sum)) {
            faults.add("the balance of " + tenant + " is " + balance + ", its postings sum to " + sum);
        }
        CreditKept redis = kept.apply(tenant);
        if (redis.balance() != balance.value()) {
            faults.add("Redis has " + redis.balance() + " as the balance of " + tenant + ", the ledger "
                    + balance.value());
        }
        if (!redis.holds().isEmpty() || redis.held() != 0) {
            faults.add(tenant + " still holds " + redis.held() + " for " + redis.holds());
        }
        boolean isPosted = redis.unpostedReceipts().stream()
                .allMatch(receipt -> groups.containsKey(GroupId.ofReceipt(UUID.fromString(receipt))));
        boolean owes = !redis.unpostedReceipts().isEmpty() || redis.unposted() != 0;
        if (owes && !(run.mayOweLonger() && isPosted)) {
            faults.add(tenant + " still owes " + redis.unposted() + " for " + redis.unpostedReceipts());
        }
        return faults;
    }
}
