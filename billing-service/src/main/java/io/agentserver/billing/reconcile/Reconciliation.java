package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Compares receipts in slots, usage records, posting groups, balances, and what Stripe has and was told, while all of them
 * go on: a difference counts only if it is still there at three looks. Reads the whole ledger and the whole topic, and holds
 * a price for each receipt in memory (some 150 bytes each). Not for several threads.
 */
public final class Reconciliation {
    private static final int LOOKS = 3;

    /** After which Stripe should have been told of usage. */
    private static final Duration TOLD_WITHIN = Duration.ofHours(1);

    private final LedgerStore store;
    private final MeterOutbox outbox;
    private final KafkaUsageRecords usage;
    private final @Nullable SlotReceipts slots;
    private final @Nullable PaymentSweep stripe;
    private final Clock clock;
    private final Duration pause;

    /**
     * @param slots null: they are not compared
     * @param stripe null: it is not set up
     * @param pause between two looks: as long as a call takes to its posting
     */
    public Reconciliation(
            LedgerStore store,
            MeterOutbox outbox,
            KafkaUsageRecords usage,
            @Nullable SlotReceipts slots,
            @Nullable PaymentSweep stripe,
            Clock clock,
            Duration pause) {
        this.store = store;
        this.outbox = outbox;
        this.usage = usage;
        this.slots = slots;
        this.stripe = stripe;
        this.clock = clock;
        this.pause = pause;
    }

    /** Throws what an absent store, broker, buffer or Stripe throws: then nothing is known. */
    public Report compare() {
        Look look = new Look();
        List<Difference> differences = look.differences();
        for (int i = 1; i < LOOKS && !differences.isEmpty(); i++) {
            await();
            look = new Look();
            Set<String> still = look.differences().stream().map(Difference::key).collect(Collectors.toSet());
            differences = differences.stream()
                    .filter(difference -> still.contains(difference.key()))
                    .toList();
        }
        return new Report(differences, look.seen);
    }

    private void await() {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while reconciling", e);
        }
    }

    /** One look at all places; each is read after those that feed it, so that it is never behind them by design. */
    private final class Look {
        private final List<Difference> differences = new ArrayList<>();
        private final List<String> seen = new ArrayList<>();
        private final Map<UUID, String> slotOf = new HashMap<>();
        private final Map<UUID, Charge> charges = new LinkedHashMap<>();
        private final Set<GroupId> ofStripe = new HashSet<>();
        private final Map<TenantId, Balance> before = new HashMap<>();
        private final Map<TenantId, MeterOutbox.Totals> meteredBefore = new HashMap<>();
        private final Map<TenantId, Long> credits = new HashMap<>();
        private final Map<TenantId, Long> prices = new HashMap<>();
        private final Set<TenantId> tenants = new TreeSet<>(java.util.Comparator.comparing(TenantId::value));

        /** What a usage record asks a tenant to pay. */
        private record Charge(String tenant, long price) {}

        List<Difference> differences() {
            tenants.addAll(store.tenants());
            for (TenantId tenant : tenants) {
                before.put(tenant, store.balance(tenant));
                meteredBefore.put(tenant, outbox.totals(tenant));
            }
            readSlots();
            readUsage();
            Map<GroupId, PostingGroup> expected = readStripe();
            readLedger(expected);
            slotOf.forEach((receipt, place) -> {
                if (!charges.containsKey(receipt)) {
                    differ("slot:" + receipt, "receipt " + receipt + " in " + place + ": no usage record");
                }
            });
            comparePutAside();
            tenants.forEach(this::compareBalance);
            return differences;
        }

        private void readSlots() {
            if (slots == null) {
                seen.add("slots: not compared, no address of the buffer is set");
                return;
            }
            for (TenantId tenant : tenants) {
                slots.forEach(tenant, (receipt, place) -> slotOf.put(receipt, place + " of " + tenant));
            }
            seen.add("slots: " + slotOf.size() + " receipts");
        }

        private void readUsage() {
            usage.forEach(record ->
                    charges.putIfAbsent(record.receipt(), new Charge(record.tenant(), record.priceMicrousd())));
            seen.add("usage records: " + charges.size() + " receipts");
        }

        private Map<GroupId, PostingGroup> readStripe() {
            Map<GroupId, PostingGroup> expected = new LinkedHashMap<>();
            if (stripe == null) {
                seen.add("Stripe: not compared, no key of it is set");
            } else {
                stripe.expected().forEach(group -> expected.put(group.id(), group));
                seen.add("Stripe: " + expected.size() + " payments, refunds, disputes");
            }
            return expected;
        }

        private void readLedger(Map<GroupId, PostingGroup> expected) {
            Set<UUID> posted = new HashSet<>();
            int[] count = new int[1];
            store.forEach(group -> {
                count[0]++;
                credits.merge(group.tenant(), group.toCredit().negated().value(), Math::addExact);
                if (group.usage() != null) {
                    UUID receipt = UUID.fromString(group.id().reference());
                    posted.add(receipt);
                    long price = group.usage().price().value();
                    prices.merge(group.tenant(), price, Math::addExact);
                    compareCharge(receipt, group.tenant(), price);
                } else if (isOfStripe(group)) {
                    ofStripe.add(group.id());
                    compareWithStripe(group, expected.get(group.id()));
                }
            });
            seen.add("ledger: " + count[0] + " posting groups, " + posted.size() + " of them calls, each sums to 0");
            charges.forEach((receipt, charge) -> {
                if (!posted.contains(receipt)
                        && store.find(GroupId.ofReceipt(receipt)).isEmpty()) {
                    differ(
                            "usage:" + receipt,
                            "receipt " + receipt + " of " + charge.tenant() + ": a usage record, but not posted");
                }
            });
            expected.forEach((id, group) -> {
                if (!ofStripe.contains(id) && store.find(id).isEmpty()) {
                    differ("stripe:" + id, id + " of " + group.tenant() + ": at Stripe, but not posted");
                }
            });
        }

        private void compareCharge(UUID receipt, TenantId tenant, long price) {
            Charge charge = charges.get(receipt);
            if (charge == null) {
                differ("posted:" + receipt, "receipt " + receipt + " of " + tenant + ": posted, but no usage record");
            } else if (charge.price() != price || !charge.tenant().equals(tenant.value())) {
                differ(
                        "price:" + receipt,
                        "receipt " + receipt + ": " + price + " micro-USD posted for " + tenant
                                + ", the usage record says " + charge.price() + " for " + charge.tenant());
            }
        }

        /** Older ones than Stripe is asked for are not compared. */
        private boolean isOfStripe(PostingGroup group) {
            return stripe != null
                    && switch (group.id().kind()) {
                        case TOP_UP, REFUND, REFUND_FAILED, DISPUTE, DISPUTE_WON, DISPUTE_LOST ->
                            group.at().isAfter(clock.instant().minus(PaymentSweep.REACH));
                        case CALL, TEST_TOP_UP, STARTING_CREDIT, ADJUSTMENT, OTHER -> false;
                    };
        }

        private void compareWithStripe(PostingGroup group, @Nullable PostingGroup expected) {
            if (expected == null) {
                differ("stripe:" + group.id(), group.id() + " of " + group.tenant() + ": posted, but not at Stripe");
            } else if (!group.postings().equals(expected.postings())) {
                differ(
                        "stripe:" + group.id(),
                        group.id() + " of " + group.tenant() + ": "
                                + group.toCredit().negated() + " posted, Stripe says "
                                + expected.toCredit().negated() + " for " + expected.tenant());
            }
        }

        private void comparePutAside() {
            for (RejectedRecord record : store.rejected()) {
                String place = record.partition() + "/" + record.offset();
                differ(
                        "rejected:" + place,
                        "usage record at partition/offset " + place + " was put aside: " + record.reason());
            }
        }

        /** Only of a tenant for which nothing was posted meanwhile: its version says so. */
        private void compareBalance(TenantId tenant) {
            Balance balance = store.balance(tenant);
            MeterOutbox.Totals metered = outbox.totals(tenant);
            if (!balance.equals(before.get(tenant)) || !metered.equals(meteredBefore.get(tenant))) {
                seen.add("balance of " + tenant + ": not compared, it changed meanwhile");
                return;
            }
            long sum = credits.getOrDefault(tenant, 0L);
            if (balance.credit().value() != sum) {
                differ(
                        "balance:" + tenant,
                        "balance of " + tenant + ": " + balance.credit() + ", its postings sum to "
                                + new MicroUsd(sum));
            }
            long used = prices.getOrDefault(tenant, 0L);
            if (metered.all().value() != used) {
                differ(
                        "metered:" + tenant,
                        "usage of " + tenant + ": " + new MicroUsd(used) + " posted, " + metered.all()
                                + " told to Stripe or to be told");
            }
            if (stripe != null) {
                outbox.pending(tenant).stream()
                        .filter(batch -> batch.at().isBefore(clock.instant().minus(TOLD_WITHIN)))
                        .forEach(batch -> differ(
                                "pending:" + batch.id(),
                                "meter event " + batch.id() + " of " + tenant + ", " + batch.amount() + " of "
                                        + batch.at() + ": Stripe has not confirmed it"));
            }
        }

        private void differ(String key, String text) {
            differences.add(new Difference(key, text));
        }
    }
}
