package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.Reconciled;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Says as metrics what came of the last comparison, whichever process made it and however long ago: how many differences, and
 * when that was found. Compares itself if nobody has for so long. To be run every minute.
 */
public final class ReconcileJob {
    private static final Logger LOG = LoggerFactory.getLogger(ReconcileJob.class);
    private static final int MOST_LINES = 100;

    private final Supplier<Report> comparison;
    private final LedgerStore store;
    private final Duration every;
    private final Clock clock;
    private final AtomicLong differences = new AtomicLong();
    private final AtomicLong knownAt = new AtomicLong();

    /** @param every 0: never, another process does it */
    public ReconcileJob(
            Supplier<Report> comparison, LedgerStore store, Duration every, Clock clock, MeterRegistry metrics) {
        this.comparison = comparison;
        this.store = store;
        this.every = every;
        this.clock = clock;
        Gauge.builder("agentserver.ledger.difference", differences, AtomicLong::get)
                .description("places where slots, usage records, ledger and Stripe differ")
                .register(metrics);
        Gauge.builder("agentserver.ledger.reconciled", knownAt, AtomicLong::get)
                .description("when they were last compared, 0: never")
                .baseUnit("seconds")
                .register(metrics);
    }

    public void run() {
        Optional<Reconciled> last = store.reconciled();
        last.ifPresent(this::show);
        if (every.isZero() || last.isPresent() && last.get().at().plus(every).isAfter(clock.instant())) {
            return;
        }
        Report report = comparison.get();
        report.differences().stream()
                .limit(MOST_LINES)
                .forEach(difference -> LOG.error("ledger difference: {}", difference.text()));
        if (report.count() > MOST_LINES) {
            LOG.error("ledger differences: {} in all; the command reconcile lists them", report.count());
        }
        Reconciled outcome = new Reconciled(clock.instant(), report.count());
        store.keep(outcome);
        show(outcome);
    }

    private void show(Reconciled outcome) {
        differences.set(outcome.differences());
        knownAt.set(outcome.at().getEpochSecond());
    }
}
