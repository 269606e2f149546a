package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.LinePosition;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether each tenant's balance is what its postings sum to, and whether what Stripe was or is to be told of is what its calls
 * cost. A tenant to which nothing was posted while the ledger was read is compared to the micro-USD. For any other its latest
 * postings are read before and after its balance: whatever is in both was posted before, and what is in the second alone may
 * have been, so the balance must lie between the two sums. No tenant is so busy that it is not compared. Not for several
 * threads.
 */
final class Balances {
    /**
     * How far back the latest postings go that are read again. What comes later than that after its call, for billing was
     * away, the ledger's reading may have missed: only what neither explains is a difference.
     */
    private static final List<Duration> REACHES = List.of(Duration.ofMinutes(10), Duration.ofDays(1));

    private static final int PAGE = 500;

    private final LedgerStore store;
    private final MeterOutbox outbox;
    private final Instant start;
    private final Map<TenantId, Stand> before = new HashMap<>();
    private final Map<TenantId, Read> read = new HashMap<>();
    private final Set<TenantId> unreadable = new HashSet<>();
    private long compared;
    private long moving;
    private long widest;

    private record Stand(Balance balance, MeterOutbox.Totals metered) {}

    /** Between which a sum lies; in micro-USD. */
    private record Range(long low, long high) {
        boolean has(MicroUsd value) {
            return low <= value.value() && value.value() <= high;
        }

        @Override
        public String toString() {
            String least = new MicroUsd(low).toString();
            return low == high ? least : least + " to " + new MicroUsd(high);
        }
    }

    private record Ranges(Range credit, Range used) {
        boolean have(Stand stand) {
            return credit.has(stand.balance().credit())
                    && used.has(stand.metered().all());
        }
    }

    /** In micro-USD: what raised the credit, what lowered it (at most 0), and what calls cost. */
    private static final class Sums {
        private long up;
        private long down;
        private long used;

        void add(PostingGroup group) {
            long change = group.toCredit().negated().value();
            up = Math.addExact(up, Math.max(0, change));
            down = Math.addExact(down, Math.min(0, change));
            CallUsage call = group.usage();
            used = Math.addExact(used, call == null ? 0 : call.price().value());
        }
    }

    /** Of one tenant: all that was read, and for each of {@link #REACHES} what is older than that. */
    private static final class Read {
        private final Sums all = new Sums();
        private final List<Sums> older = REACHES.stream().map(_ -> new Sums()).toList();
    }

    /** @param start when the look began */
    Balances(LedgerStore store, MeterOutbox outbox, Instant start) {
        this.store = store;
        this.outbox = outbox;
        this.start = start.truncatedTo(ChronoUnit.SECONDS); // as exact as every position in the ledger is
    }

    /** Before the ledger is read. */
    void begin(TenantId tenant) {
        before.put(tenant, stand(tenant));
    }

    /** Each group of the ledger. */
    void add(PostingGroup group) {
        Read sums = read.computeIfAbsent(group.tenant(), _ -> new Read());
        sums.all.add(group);
        for (int i = 0; i < REACHES.size(); i++) {
            if (group.at().isBefore(since(i))) {
                sums.older.get(i).add(group);
            }
        }
    }

    /** It has a group that cannot be read, so nobody can say what its postings sum to. */
    void unreadable(TenantId tenant) {
        unreadable.add(tenant);
    }

    /** After the ledger was read. */
    void compare(TenantId tenant, Differences differences) {
        if (unreadable.contains(tenant)) {
            return; // the group itself is a difference
        }
        compared++;
        Stand stand = stand(tenant);
        Read sums = read.getOrDefault(tenant, new Read());
        Ranges ranges = exactly(sums.all);
        if (!stand.equals(before.get(tenant))) {
            moving++;
            for (int i = 0; i < REACHES.size(); i++) {
                Sums first = latest(tenant, since(i));
                stand = stand(tenant);
                ranges = between(sums.older.get(i), first, latest(tenant, since(i)));
                if (ranges.have(stand)) {
                    break;
                }
            }
            widest = Math.max(widest, ranges.credit().high() - ranges.credit().low());
        }
        if (!ranges.credit().has(stand.balance().credit())) {
            differences.add(
                    "balance:" + tenant,
                    "balance of " + tenant + ": " + stand.balance().credit() + ", its postings sum to "
                            + ranges.credit());
        }
        if (!ranges.used().has(stand.metered().all())) {
            differences.add(
                    "metered:" + tenant,
                    "usage of " + tenant + ": " + ranges.used() + " posted, "
                            + stand.metered().all() + " told to Stripe or to be told");
        }
    }

    /** One line. */
    String seen() {
        return "balances: " + compared + " tenants"
                + (moving == 0 ? "" : ", " + moving + " of them while calls went on, to within " + new MicroUsd(widest))
                + (unreadable.isEmpty() ? "" : "; " + unreadable.size() + " not, for a group of theirs cannot be read");
    }

    private Stand stand(TenantId tenant) {
        return new Stand(store.balance(tenant), outbox.totals(tenant));
    }

    private Instant since(int reach) {
        return start.minus(REACHES.get(reach));
    }

    private static Ranges exactly(Sums sums) {
        long credit = Math.addExact(sums.up, sums.down);
        return new Ranges(new Range(credit, credit), new Range(sums.used, sums.used));
    }

    /** The second was read after the first, so has at least its groups. */
    private static Ranges between(Sums older, Sums first, Sums second) {
        long credit = Math.addExact(older.up, older.down);
        return new Ranges(
                new Range(credit + first.up + second.down, credit + second.up + first.down),
                new Range(older.used + first.used, older.used + second.used));
    }

    /** Page by page: what was posted a moment ago may be missing. */
    private Sums latest(TenantId tenant, Instant since) {
        Sums sums = new Sums();
        for (Book book : Book.values()) {
            LinePosition after = LinePosition.at(since);
            List<PostingGroup> page;
            do {
                page = store.list(tenant, book, LineOrder.OLDEST_FIRST, after, PAGE);
                page.forEach(sums::add);
                after = page.isEmpty() ? after : LinePosition.of(page.getLast());
            } while (page.size() == PAGE);
        }
        return sums;
    }
}
