package io.agentserver.standalone.faults;

import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.Posting;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
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
     * @param breakOffs when a router, or what it remembers of answers, was hit: a call that broke off then has cost what it
     *     used, and its repeat costs again
     * @param emptied when Redis was emptied, in any run so far: what was settled about then is counted twice until billing
     *     looks it over
     */
    record Run(Set<String> conversations, Set<UUID> receipts, Windows breakOffs, Windows emptied) {}

    /** From when a call is recorded to when all know what it has cost, whatever is away meanwhile. */
    private static final Duration SETTLED = Duration.ofSeconds(60);
    /** Billing does it each ten minutes, and when it starts. */
    static final Duration LOOKED_OVER = Duration.ofMinutes(11);

    private final LedgerStore ledger;
    private final Set<TenantId> tenants;
    private final Function<TenantId, CreditKept> kept;
    private final Clock clock;

    MoneyChecker(LedgerStore ledger, Set<TenantId> tenants, Function<TenantId, CreditKept> kept, Clock clock) {
        this.ledger = ledger;
        this.tenants = tenants;
        this.kept = kept;
        this.clock = clock;
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
        faults.addAll(paidTwice(groups.values(), run));
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

    /** Of two payments one after the other, the first has broken off, or what it was for was lost, or the second is one too many. */
    private static List<String> paidTwice(Collection<PostingGroup> groups, Run run) {
        Map<Asked, PostingGroup> paid = new HashMap<>();
        List<String> twice = new ArrayList<>();
        for (PostingGroup group :
                groups.stream().sorted(Comparator.comparing(PostingGroup::at)).toList()) {
            CallUsage call = group.usage();
            if (call == null || call.price().isZero() || !run.conversations().contains(text(call.conversation()))) {
                continue;
            }
            Asked asked = new Asked(group.tenant(), text(call.thread()), text(call.message()));
            PostingGroup before = paid.put(asked, group);
            if (before != null && !run.breakOffs().touch(before.at(), group.at())) {
                twice.add(asked + " is paid twice: " + before.id() + " at " + before.at() + ", " + group.id() + " at "
                        + group.at());
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
        boolean owes = !redis.unpostedReceipts().isEmpty() || redis.unposted() != 0;
        boolean mayOwe = !redis.unpostedReceipts().isEmpty()
                && redis.unpostedReceipts().stream()
                        .map(receipt -> groups.get(GroupId.ofReceipt(UUID.fromString(receipt))))
                        .allMatch(posted -> posted != null && isOwedForAWhile(posted.at(), run.emptied()));
        if (owes && !mayOwe) {
            faults.add(tenant + " still owes " + redis.unposted() + " for " + redis.unpostedReceipts());
        }
        return faults;
    }

    private boolean isOwedForAWhile(Instant called, Windows emptied) {
        return emptied.touch(called.minus(SETTLED), called.plus(SETTLED))
                && !clock.instant().isAfter(called.plus(SETTLED).plus(LOOKED_OVER));
    }
}
