package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.Posting;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.ledger.UnreadableGroup;
import io.agentserver.billing.reconcile.Reconciliation.Places;
import io.agentserver.billing.reconcile.Testimony.Place;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/** One look at all places; each is read after those that feed it, so that it is never behind them by design. */
final class Look {
    /** After which Stripe should have been told of usage. */
    private static final Duration TOLD_WITHIN = Duration.ofHours(1);

    /** How far the clocks of routers may be behind ours. */
    private static final Duration CLOCKS_DIFFER = Duration.ofSeconds(10);

    private final Places places;
    private final Instant start;
    private final ReceiptBuckets receipts;
    private final Differences differences = new Differences();
    private final List<String> seen = new ArrayList<>();
    private final Set<GroupId> ofStripe = new HashSet<>();
    private final Set<String> unreadable = new HashSet<>();
    private final Balances balances;
    private final Batches batches;
    private final Set<TenantId> tenants = new TreeSet<>(Comparator.comparing(TenantId::value));

    Look(Places places, Instant start, ReceiptBuckets receipts) {
        this.places = places;
        this.start = start;
        this.receipts = receipts;
        this.balances = new Balances(places.store(), places.outbox(), start);
        this.batches = new Batches(places.outbox(), start.minus(CLOCKS_DIFFER), receipts, differences);
    }

    Differences differences() {
        return differences;
    }

    /** One line a place. */
    List<String> seen() {
        return List.copyOf(seen);
    }

    void compare() {
        tenants.addAll(places.store().tenants());
        tenants.forEach(balances::begin);
        tenants.forEach(batches::read);
        seen.add(batches.seen());
        readSlots();
        readUsage();
        Map<GroupId, PostingGroup> expected = readStripe();
        readLedger(expected);
        receipts.forEach(this::compareReceipt);
        comparePutAside();
        tenants.forEach(tenant -> balances.compare(tenant, differences));
        seen.add(balances.seen());
        tenants.forEach(batches::compare);
        tenants.forEach(this::comparePending);
    }

    private void readSlots() {
        SlotReceipts slots = places.slots();
        if (slots == null) {
            seen.add("slots: not compared, no address of the buffer is set");
            return;
        }
        long[] count = new long[1];
        for (TenantId tenant : tenants) {
            slots.forEach(tenant, (receipt, place) -> {
                count[0]++;
                receipts.add(new Testimony(receipt, Place.SLOT, tenant.value(), 0, false, place + " of " + tenant));
            });
        }
        seen.add("slots: " + count[0] + " receipts");
    }

    private void readUsage() {
        long[] count = new long[1];
        places.usage().forEach(record -> {
            if (!TenantId.isValid(record.tenant())) {
                return; // the consumer has put it aside, where it is counted
            }
            count[0]++;
            boolean recent = Objects.nonNull(record.at()) && isRecent(record.at()); // JSON may lack it
            receipts.add(new Testimony(
                    record.receipt(), Place.USAGE, record.tenant(), record.priceMicrousd(), recent, null));
        });
        seen.add("usage records: " + count[0]);
    }

    private Map<GroupId, PostingGroup> readStripe() {
        Map<GroupId, PostingGroup> expected = new LinkedHashMap<>();
        PaymentSweep stripe = places.stripe();
        if (stripe == null) {
            seen.add("Stripe: not compared, no key of it is set");
            return expected;
        }
        PaymentSweep.Expected found = stripe.expected();
        found.groups().forEach(group -> expected.put(group.id(), group));
        found.unreadable()
                .forEach((payment, reason) ->
                        differences.add("stripe:" + payment, payment + ": cannot be read at Stripe: " + reason));
        seen.add("Stripe: " + expected.size() + " payments, refunds, disputes");
        return expected;
    }

    private void readLedger(Map<GroupId, PostingGroup> expected) {
        long[] count = new long[2];
        places.store()
                .forEach(
                        group -> {
                            count[0]++;
                            count[1] += group.usage() == null ? 0 : 1;
                            add(group, expected);
                        },
                        this::unreadable);
        seen.add("ledger: " + count[0] + " posting groups, " + count[1] + " of them calls, each sums to 0"
                + (unreadable.isEmpty() ? "" : "; " + unreadable.size() + " that cannot be read"));
        expected.forEach((id, group) -> {
            if (!ofStripe.contains(id) && isNotPosted(id)) {
                differences.add("stripe:" + id, id + " of " + group.tenant() + ": at Stripe, but not posted");
            }
        });
    }

    private void add(PostingGroup group, Map<GroupId, PostingGroup> expected) {
        balances.add(group);
        CallUsage call = group.usage();
        if (call != null) {
            receipts.add(new Testimony(
                    UUID.fromString(group.id().reference()),
                    Place.LEDGER,
                    group.tenant().value(),
                    call.price().value(),
                    isRecent(group.at()),
                    null));
            batches.add(group, call);
        } else if (isOfStripe(group)) {
            ofStripe.add(group.id());
            compareWithStripe(group, expected.get(group.id()));
        }
    }

    private void unreadable(UnreadableGroup group) {
        TenantId tenant = group.tenant();
        unreadable.add(group.id());
        if (tenant != null) {
            balances.unreadable(tenant);
            batches.unreadable(tenant);
        }
        differences.add("group:" + group.id(), "posting group " + group.id() + " of " + tenant + ": " + group.reason());
    }

    private void compareReceipt(UUID receipt, Receipt places) {
        if (batches.compare(receipt, places)) {
            return;
        }
        Testimony slot = places.slot();
        Testimony usage = places.usage();
        Testimony posted = places.posted();
        if (slot != null && usage == null) {
            differences.add("slot:" + receipt, "receipt " + receipt + " in " + slot.where() + ": no usage record");
        }
        if (posted != null && usage == null && !posted.recent()) {
            differences.add(
                    "posted:" + receipt,
                    "receipt " + receipt + " of " + posted.tenant() + ": posted, but no usage record");
        }
        if (usage != null && posted == null && !usage.recent() && isNotPosted(GroupId.ofReceipt(receipt))) {
            differences.add(
                    "usage:" + receipt,
                    "receipt " + receipt + " of " + usage.tenant() + ": a usage record, but not posted");
        }
        if (usage != null
                && posted != null
                && (usage.price() != posted.price() || !usage.tenant().equals(posted.tenant()))) {
            differences.add(
                    "price:" + receipt,
                    "receipt " + receipt + ": " + posted.price() + " micro-USD posted for " + posted.tenant()
                            + ", the usage record says " + usage.price() + " for " + usage.tenant());
        }
    }

    /** Also not since the ledger was read. */
    private boolean isNotPosted(GroupId id) {
        return !unreadable.contains(id.value()) && places.store().find(id).isEmpty();
    }

    /** Of a call that may have been made after one place was read and before another was. */
    private boolean isRecent(Instant call) {
        return call.isAfter(start.minus(CLOCKS_DIFFER));
    }

    /** Older ones than Stripe is asked for are not compared, and none of the mode that its key does not see. */
    private boolean isOfStripe(PostingGroup group) {
        PaymentSweep stripe = places.stripe();
        return stripe != null
                && switch (group.id().kind()) {
                    case TOP_UP, REFUND, REFUND_FAILED, DISPUTE, DISPUTE_WON, DISPUTE_LOST ->
                        group.at().isAfter(start.minus(PaymentSweep.REACH)) && isTest(group) != stripe.isLive();
                    case CALL, TEST_TOP_UP, STARTING_CREDIT, ADJUSTMENT, OTHER -> false;
                };
    }

    private static boolean isTest(PostingGroup group) {
        return group.postings().stream().map(Posting::account).anyMatch(account -> account.isTest());
    }

    private void compareWithStripe(PostingGroup group, @Nullable PostingGroup expected) {
        if (expected == null) {
            differences.add(
                    "stripe:" + group.id(), group.id() + " of " + group.tenant() + ": posted, but not at Stripe");
        } else if (!group.postings().equals(expected.postings())) {
            differences.add(
                    "stripe:" + group.id(),
                    group.id() + " of " + group.tenant() + ": "
                            + group.toCredit().negated() + " posted, Stripe says "
                            + expected.toCredit().negated() + " for " + expected.tenant());
        }
    }

    private void comparePutAside() {
        places.store().rejected().forEach(this::putAside);
    }

    private void putAside(RejectedRecord record) {
        String place = record.partition() + "/" + record.offset();
        differences.add(
                "rejected:" + place,
                "usage record at partition/offset " + place + " was put aside: " + record.reason());
    }

    private void comparePending(TenantId tenant) {
        if (places.stripe() != null) {
            MeterOutbox.Open open = places.outbox().open(tenant);
            Instant since = open.since();
            if (open.aside() != null && (since == null || since.isBefore(start.minus(TOLD_WITHIN)))) {
                differences.add(
                        "aside:" + tenant + ":" + open.aside(),
                        "batch " + open.aside() + " of " + tenant + ": moved aside at " + since
                                + " and not written down, so Stripe is told of nothing since");
            }
            places.outbox().pending(tenant).stream()
                    .filter(batch -> batch.at().isBefore(start.minus(TOLD_WITHIN)))
                    .forEach(batch -> differences.add(
                            "pending:" + batch.id(),
                            "meter event " + batch.id() + " of " + tenant + ", " + batch.amount() + " of " + batch.at()
                                    + ": Stripe has not confirmed it"));
        }
    }
}
