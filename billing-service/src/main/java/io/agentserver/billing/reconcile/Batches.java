package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.billing.reconcile.Testimony.Place;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;

/**
 * Whether each batch has the calls that name it, each meter event says what its batch says, no number is missing below the open
 * one and none is named above it. A batch of another amount than its calls is none only where an older version of billing
 * explains as much: by calls without a number if it is more, by meter events without one if it is less, a day around. Not for
 * several threads.
 */
final class Batches {
    /** How long after its call an older version may have posted it, and how far clocks may differ. */
    private static final Duration AROUND = Duration.ofDays(1);

    private final MeterOutbox outbox;
    private final Instant end;
    private final ReceiptBuckets receipts;
    private final Differences differences;
    private final Map<TenantId, Long> compared =
            new HashMap<>(); // the latest number that must have become a meter event
    private final Map<TenantId, Long> named = new HashMap<>(); // the highest
    private final Map<TenantId, List<Uneven>> uneven = new HashMap<>();
    private final Set<String> unreadable = new HashSet<>();
    private long count;
    private long odd;

    /** A batch of another amount than its calls. */
    private static final class Uneven {
        private final SealedBatch batch;
        private final Instant from;
        private final Instant to;
        private long calls; // what those without a number cost
        private long events; // what those without a number say

        Uneven(SealedBatch batch, Instant from) {
            this.batch = batch;
            this.from = from;
            this.to = batch.at().plus(AROUND);
        }

        boolean has(Instant at) {
            return at.isAfter(from) && at.isBefore(to);
        }

        boolean isExplained() {
            long more = batch.amount().value() - batch.named().value();
            return more <= calls && -more <= events;
        }
    }

    /** @param end meter events of later do not explain anything yet */
    Batches(MeterOutbox outbox, Instant end, ReceiptBuckets receipts, Differences differences) {
        this.outbox = outbox;
        this.end = end;
        this.receipts = receipts;
        this.differences = differences;
    }

    /** Before the ledger is read: nothing is added to a batch once it is sealed, so all of its calls will be found. */
    void read(TenantId tenant) {
        MeterOutbox.Open open = outbox.open(tenant);
        long[] next = {1};
        Instant[] from = {Instant.EPOCH};
        outbox.forEachSealed(tenant, batch -> {
            missing(tenant, next[0], batch.number());
            next[0] = batch.number() + 1;
            if (!batch.isWhole()) {
                odd++;
                uneven.computeIfAbsent(tenant, _ -> new ArrayList<>()).add(new Uneven(batch, from[0]));
            }
            from[0] = batch.at().minus(AROUND);
            sealed(batch);
        });
        Long aside = open.aside();
        long first = aside == null ? open.number() : aside;
        missing(tenant, next[0], first);
        compared.put(tenant, Math.max(next[0], first) - 1);
        List<Uneven> odds = uneven.getOrDefault(tenant, List.of());
        outbox.forEachEvent(tenant, event -> {
            told(event);
            add(odds, event.at(), event.amount());
        });
        if (!odds.isEmpty()) { // what all say, less what those with a number say
            outbox.forEachSealed(
                    tenant, batch -> add(odds, batch.at(), batch.amount().negated()));
        }
    }

    /** Each call of the ledger. */
    void add(PostingGroup group, CallUsage call) {
        TenantId tenant = group.tenant();
        Long batch = group.batch();
        if (batch == null) {
            uneven.getOrDefault(tenant, List.of()).stream()
                    .filter(odd -> odd.has(group.at()))
                    .forEach(odd -> odd.calls += call.price().value());
            return;
        }
        named.merge(tenant, batch, Math::max);
        if (batch <= compared.getOrDefault(tenant, 0L)) {
            receipts.add(new Testimony(
                    key(tenant, batch),
                    Place.BATCHED,
                    tenant.value(),
                    call.price().value(),
                    false,
                    "batch " + batch));
        }
    }

    /** It has a group that cannot be read, so nobody can say which batch that is in. */
    void unreadable(TenantId tenant) {
        unreadable.add(tenant.value());
    }

    /** False if it is of no batch. */
    boolean compare(UUID key, Receipt places) {
        if (places.event() != null || places.batched() != null) {
            compareCalls(key, places.event(), places.batched());
            return true;
        }
        Testimony sealed = places.sealed();
        Testimony told = places.told();
        if (sealed != null && (told == null || told.price() != sealed.price())) {
            differences.add(
                    "event:" + key,
                    sealed.where() + " of " + sealed.tenant() + ": " + new MicroUsd(sealed.price()) + ", "
                            + (told == null
                                    ? "but it is not there to be told to Stripe"
                                    : "but Stripe was or is to be told of " + new MicroUsd(told.price())));
        }
        return sealed != null || told != null;
    }

    /** After the ledger was read. */
    void compare(TenantId tenant) {
        long open = outbox.open(tenant).number();
        long highest = named.getOrDefault(tenant, 0L);
        if (highest > open) {
            differences.add(
                    "number:" + tenant, "calls of " + tenant + " name batch " + highest + ", but open is " + open);
        }
        if (unreadable.contains(tenant.value())) {
            return;
        }
        for (Uneven odd : uneven.getOrDefault(tenant, List.of())) {
            if (!odd.isExplained()) {
                SealedBatch batch = odd.batch;
                differences.add(
                        "uneven:" + batch.id(),
                        name(batch) + " of " + tenant + ": " + batch.amount() + ", its calls cost " + batch.named()
                                + ", and no older version of billing explains that");
            }
        }
    }

    /** One line. */
    String seen() {
        return "meter events: " + count + ", each of what the calls in it cost"
                + (odd == 0
                        ? ""
                        : "; " + odd + " of them were made beside an older version of billing, whose calls name none");
    }

    /** They go the way of those that have calls, with none; a number that is broken may say that millions are missing. */
    private void missing(TenantId tenant, long from, long to) {
        for (long number = from; number < Math.min(to, from + Differences.MOST); number++) {
            receipts.add(
                    new Testimony(key(tenant, number), Place.BATCHED, tenant.value(), 0, 0, false, "batch " + number));
        }
    }

    private void sealed(SealedBatch batch) {
        count++;
        TenantId tenant = batch.tenant();
        receipts.add(new Testimony(
                key(tenant, batch.number()),
                Place.EVENT,
                tenant.value(),
                batch.named().value(),
                batch.calls(),
                false,
                name(batch)));
        receipts.add(new Testimony(
                key(tenant, batch.id()),
                Place.SEALED,
                tenant.value(),
                batch.amount().value(),
                false,
                name(batch)));
    }

    private void told(MeterBatch event) {
        receipts.add(new Testimony(
                key(event.tenant(), event.id()),
                Place.TOLD,
                event.tenant().value(),
                event.amount().value(),
                false,
                null));
    }

    private void add(List<Uneven> odds, Instant at, MicroUsd amount) {
        if (at.isBefore(end)) { // what is sealed while it looks may be in one of the two alone
            odds.stream().filter(odd -> odd.has(at)).forEach(odd -> odd.events += amount.value());
        }
    }

    private void compareCalls(UUID key, @Nullable Testimony event, @Nullable Testimony batched) {
        String tenant = Objects.requireNonNull(event == null ? batched : event).tenant();
        if (unreadable.contains(tenant)) {
            return;
        }
        long calls = batched == null ? 0 : batched.calls();
        long price = batched == null ? 0 : batched.price();
        String found = calls + " calls of " + new MicroUsd(price) + " in all name it";
        if (event == null) {
            differences.add(
                    "batch:" + key,
                    Objects.requireNonNull(batched).where() + " of " + tenant + ": " + found
                            + ", but it became no meter event");
        } else if (event.calls() != calls || event.price() != price) {
            differences.add(
                    "batch:" + key,
                    event.where() + " of " + tenant + ": " + found + ", it should have " + event.calls() + " of "
                            + new MicroUsd(event.price()));
        }
    }

    private static String name(SealedBatch batch) {
        return "meter event " + batch.id() + ", batch " + batch.number();
    }

    private static UUID key(TenantId tenant, long number) {
        return Ids.inTenant(tenant, "meter-batch:" + number);
    }

    private static UUID key(TenantId tenant, UUID event) {
        return Ids.inTenant(tenant, "meter-event:" + event);
    }
}
