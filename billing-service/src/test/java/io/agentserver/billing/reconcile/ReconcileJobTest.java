package io.agentserver.billing.reconcile;

import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.Reconciled;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;

class ReconcileJobTest {
    private static final Instant NOON = Instant.parse("2026-03-14T12:00:00Z");

    private final MemoryLedgerStore store = new MemoryLedgerStore();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicInteger comparisons = new AtomicInteger();

    @Test
    void says_how_many_differences_there_are_and_keeps_it_for_the_other_processes() {
        job(Duration.ofDays(1), NOON).run();

        assertThat(difference()).isEqualTo(12_345);
        assertThat(reconciled()).isEqualTo(NOON.getEpochSecond());
        assertThat(store.reconciled()).contains(new Reconciled(NOON, 12_345));
    }

    @Test
    void says_what_another_process_found_and_does_not_compare_again_so_soon() {
        store.keep(new Reconciled(NOON.minusSeconds(3_600), 2));

        job(Duration.ofDays(1), NOON).run();

        assertThat(comparisons).hasValue(0);
        assertThat(difference()).isEqualTo(2);
        assertThat(reconciled()).isEqualTo(NOON.minusSeconds(3_600).getEpochSecond());
    }

    @Test
    void compares_when_nobody_has_for_so_long() {
        store.keep(new Reconciled(NOON.minus(Duration.ofDays(1)), 2));

        job(Duration.ofDays(1), NOON).run();

        assertThat(comparisons).hasValue(1);
        assertThat(difference()).isEqualTo(12_345);
    }

    @Test
    void where_another_process_reconciles_it_only_tells() {
        ReconcileJob job = job(Duration.ZERO, NOON);
        job.run();
        assertThat(reconciled()).as("never").isZero();

        store.keep(new Reconciled(NOON.minus(Duration.ofDays(9)), 1));
        job.run();

        assertThat(comparisons).hasValue(0);
        assertThat(difference()).isEqualTo(1);
    }

    private ReconcileJob job(Duration every, Instant now) {
        return new ReconcileJob(
                () -> {
                    comparisons.incrementAndGet();
                    return new Report(List.of(new Difference("a", "a")), 12_345, List.of());
                },
                store,
                every,
                Clock.fixed(now, ZoneOffset.UTC),
                metrics);
    }

    private double difference() {
        return metrics.get("agentserver.ledger.difference").gauge().value();
    }

    private long reconciled() {
        return (long) metrics.get("agentserver.ledger.reconciled").gauge().value();
    }
}
