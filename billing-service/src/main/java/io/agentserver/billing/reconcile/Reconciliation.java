package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.stripe.PaymentSweep;
import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * Compares receipts in slots, usage records, posting groups, balances, and what Stripe has and was told, while all of them
 * go on: a difference counts only if it is still there at three looks. Reads the whole ledger and the whole topic, and
 * brings them together on disk ({@link ReceiptBuckets}), so that memory does not grow with them: it holds
 * {@value #MOST_RECEIPTS} receipts, {@link Differences#MOST} differences, the sums of each tenant (some 500 bytes) and
 * Stripe's payments of {@link PaymentSweep#REACH}. Not for several threads.
 */
public final class Reconciliation {
    private static final int LOOKS = 3;

    /** Some 30 MB. */
    private static final int MOST_RECEIPTS = 50_000;

    /** The places that are compared. */
    record Places(
            LedgerStore store,
            MeterOutbox outbox,
            KafkaUsageRecords usage,
            @Nullable SlotReceipts slots,
            @Nullable PaymentSweep stripe) {}

    private final Places places;
    private final Clock clock;
    private final Duration pause;
    private final Path directory;
    private final int mostReceipts;

    /**
     * @param slots null: they are not compared
     * @param stripe null: it is not set up
     * @param pause between two looks: as long as a call takes to its posting
     * @param directory for files while it compares: some 230 bytes for each call that was ever made
     */
    public Reconciliation(
            LedgerStore store,
            MeterOutbox outbox,
            KafkaUsageRecords usage,
            @Nullable SlotReceipts slots,
            @Nullable PaymentSweep stripe,
            Clock clock,
            Duration pause,
            Path directory) {
        this(new Places(store, outbox, usage, slots, stripe), clock, pause, directory, MOST_RECEIPTS);
    }

    /** @param mostReceipts in memory at once */
    Reconciliation(Places places, Clock clock, Duration pause, Path directory, int mostReceipts) {
        this.places = places;
        this.clock = clock;
        this.pause = pause;
        this.directory = directory;
        this.mostReceipts = mostReceipts;
    }

    /** Throws what an absent store, broker, buffer or Stripe, or a full disk throws: then nothing is known. */
    public Report compare() {
        Look look = look();
        List<Difference> differences = look.differences().kept();
        for (int i = 1; i < LOOKS && !differences.isEmpty(); i++) {
            if (!look.differences().isWhole()) {
                // so many are not on their way
                return new Report(differences, look.differences().count(), look.seen());
            }
            await();
            look = look();
            Set<String> still = look.differences().keys();
            differences = differences.stream()
                    .filter(difference -> still.contains(difference.key()))
                    .toList();
        }
        if (!look.differences().isWhole()) {
            // there are more than are kept, and whether the earlier ones are among them is not known
            return new Report(look.differences().kept(), look.differences().count(), look.seen());
        }
        return new Report(differences, differences.size(), look.seen());
    }

    private Look look() {
        try (ReceiptBuckets receipts = new ReceiptBuckets(directory, mostReceipts)) {
            Look look = new Look(places, clock.instant(), receipts);
            look.compare();
            return look;
        }
    }

    private void await() {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while reconciling", e);
        }
    }
}
