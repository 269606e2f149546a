package io.agentserver.pump.flow;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.stream.Stream;

/** What the flow counts. */
public final class PumpMetrics {
    private static final Duration[] BUCKETS = Stream.of(
                    5, 25, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000)
            .map(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final Counter unverifiable;
    private final Counter deadLetters;
    private final Counter retries;

    public PumpMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.unverifiable = Counter.builder("agentserver.rejected")
                .tag("reason", "unverifiable-record")
                .description("refused input, by reason")
                .register(registry);
        this.deadLetters = Counter.builder("agentserver.dead.letters")
                .description("messages put on a dead-letter topic")
                .register(registry);
        this.retries = Counter.builder("agentserver.handler.retries")
                .description("runs of a handler after a failed one")
                .register(registry);
    }

    void unverifiable() {
        unverifiable.increment();
    }

    void deadLetter() {
        deadLetters.increment();
    }

    void retry() {
        retries.increment();
    }

    /**
     * @param kind llm, http, builtin or java
     * @param outcome done, again, failed, later, awaiting or resting
     */
    void handled(String kind, String outcome, Duration time) {
        Timer.builder("agentserver.handler")
                .tag("kind", kind)
                .tag("outcome", outcome)
                .description("runs of handlers")
                .serviceLevelObjectives(BUCKETS)
                .register(registry)
                .record(time);
    }
}
