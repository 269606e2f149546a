package io.agentserver.billing.reconcile;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** Compares, and says what it found in the log and as metrics: how many differences, and when that was last known. */
public final class ReconcileJob {
    private static final Logger LOG = LoggerFactory.getLogger(ReconcileJob.class);

    private final Supplier<Report> comparison;
    private final Clock clock;
    private final AtomicLong differences = new AtomicLong();
    private final AtomicLong knownAt = new AtomicLong();

    public ReconcileJob(Supplier<Report> comparison, Clock clock, MeterRegistry metrics) {
        this.comparison = comparison;
        this.clock = clock;
        Gauge.builder("agentserver.ledger.difference", differences, AtomicLong::get)
                .description("places where slots, usage records, ledger and Stripe differ")
                .register(metrics);
        Gauge.builder("agentserver.ledger.reconciled", knownAt, AtomicLong::get)
                .description("when they were last compared, 0: never since the start")
                .baseUnit("seconds")
                .register(metrics);
    }

    public void run() {
        Report report = comparison.get();
        report.differences().forEach(difference -> LOG.error("ledger difference: {}", difference.text()));
        differences.set(report.differences().size());
        knownAt.set(clock.instant().getEpochSecond());
    }
}
