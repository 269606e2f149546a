package io.agentserver.router;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.function.BiPredicate;

/** The router's meters. Models that are in no route and no price list count as {@code other}: labels live for ever. */
final class RouterMetrics {
    private final MeterRegistry registry;
    private final BiPredicate<String, String> listed;
    private final Counter onceOnlyAway;
    private final Counter lapsed;

    /** @param listed whether (provider, model) may be a label */
    RouterMetrics(MeterRegistry registry, BiPredicate<String, String> listed) {
        this.registry = registry;
        this.listed = listed;
        this.onceOnlyAway = Counter.builder("agentserver.llm.idempotency.unavailable")
                .description("calls with an Idempotency-Key that were refused: Redis was away")
                .register(registry);
        this.lapsed = Counter.builder("agentserver.credit.lapsed")
                .description("holds whose router died, paid as they were held")
                .register(registry);
        for (Refusal.Reason reason : Refusal.Reason.values()) {
            rejections(reason); // there at 0 from the start
        }
    }

    void rejected(Refusal.Reason reason) {
        rejections(reason).increment();
    }

    void firstToken(String provider, Duration waited) {
        Timer.builder("agentserver.llm.first.token")
                .tag("provider", provider)
                .register(registry)
                .record(waited);
    }

    /** A backend did not answer and the next one was tried. */
    void failed(String provider) {
        registry.counter("agentserver.llm.backend.failures", "provider", provider)
                .increment();
    }

    void stub(String route) {
        registry.counter("agentserver.llm.stubs", "route", route).increment();
    }

    void idempotencyUnavailable() {
        onceOnlyAway.increment();
    }

    void lapsed() {
        lapsed.increment();
    }

    void settled(String provider, String model, String outcome, Tokens tokens, Duration duration) {
        String label = listed.test(provider, model) ? model : "other";
        Timer.builder("agentserver.llm.calls")
                .description("from the first token to the end")
                .tags("provider", provider, "model", label, "outcome", outcome)
                .register(registry)
                .record(duration);
        count(provider, label, "input", tokens.input() - tokens.cachedInput());
        count(provider, label, "cached_input", tokens.cachedInput());
        count(provider, label, "output", tokens.output());
    }

    private void count(String provider, String model, String kind, long tokens) {
        registry.counter("agentserver.llm.tokens", "provider", provider, "model", model, "kind", kind)
                .increment((double) tokens);
    }

    private Counter rejections(Refusal.Reason reason) {
        return registry.counter("agentserver.rejected", "reason", reason.label());
    }
}
