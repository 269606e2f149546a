package io.agentserver.billing;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class PeriodicTest {
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @Test
    void does_the_job_again_and_again_also_after_a_failure() {
        AtomicInteger runs = new AtomicInteger();
        try (Periodic _ = new Periodic(
                        "test",
                        Duration.ZERO,
                        Duration.ofMillis(1),
                        () -> {
                            if (runs.incrementAndGet() == 2) {
                                throw new IllegalStateException("the store is away");
                            }
                        },
                        metrics)
                .start()) {
            await().until(() -> runs.get() > 5);
        }

        assertThat(metrics.counter("agentserver.billing.job.failures", "job", "test")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void no_failure_ends_the_schedule_also_no_error_and_no_interruption_that_nobody_meant() {
        AtomicInteger runs = new AtomicInteger();
        try (Periodic _ = new Periodic(
                        "test",
                        Duration.ZERO,
                        Duration.ofMillis(1),
                        () -> {
                            switch (runs.incrementAndGet()) {
                                case 1 -> throw new NoClassDefFoundError("a library's class");
                                case 2 -> Thread.currentThread().interrupt();
                                case 3 -> {
                                    Thread.currentThread().interrupt();
                                    throw new IllegalStateException("interrupted, by whomever");
                                }
                                default -> {}
                            }
                        },
                        metrics)
                .start()) {
            await().until(() -> runs.get() > 5);
        }

        assertThat(metrics.counter("agentserver.billing.job.failures", "job", "test")
                        .count())
                .isEqualTo(2);
    }

    @Test
    void a_job_that_takes_long_is_interrupted_when_the_service_stops() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicBoolean interrupted = new AtomicBoolean();
        Periodic periodic = new Periodic(
                "test",
                Duration.ZERO,
                Duration.ofHours(1),
                () -> {
                    begun.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.set(true);
                        throw new IllegalStateException("interrupted", e);
                    }
                },
                metrics);
        periodic.start();
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();

        periodic.close();

        assertThat(interrupted).isTrue();
        assertThat(metrics.counter("agentserver.billing.job.failures", "job", "test")
                        .count())
                .isZero();
    }
}
