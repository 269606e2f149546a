package io.agentserver.router;

import io.agentserver.credit.Reservation;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.metrics.TenantCounters;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.Locale;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/** The router's meters. Models that are in no route and no price list count as {@code other}: labels live for ever. */
final class RouterMetrics {
    private static final Duration[] BUCKETS = Stream.of(
                    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000)
            .map(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final TenantCounters byTenant;
    private final BiPredicate<String, String> listed;
    private final Counter onceOnlyAway;
    private final Counter lapsed;

    /** @param listed whether (provider, model) may be a label */
    RouterMetrics(MeterRegistry registry, TenantCounters byTenant, BiPredicate<String, String> listed) {
        this.registry = registry;
        this.byTenant = byTenant;
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
                .description("from asking a provider to its first token")
                .tag("provider", provider)
                .serviceLevelObjectives(BUCKETS)
                .register(registry)
                .record(waited);
    }

    /** A backend did not answer and the next one was tried. */
    void failed(String provider) {
        Counter.builder("agentserver.llm.backend.failures")
                .description("attempts at a provider that gave no first token")
                .tag("provider", provider)
                .register(registry)
                .increment();
    }

    /** A backend was not asked: it is cooling down, has failed too often, or has as many calls as it may. */
    void passedOver(String provider) {
        Counter.builder("agentserver.llm.backend.passed.over")
                .description("backends that were not asked, because they would not answer")
                .tag("provider", provider)
                .register(registry)
                .increment();
    }

    void stub(String route) {
        Counter.builder("agentserver.llm.stubs")
                .description("calls that no backend answered and the route's stub did")
                .tag("route", route)
                .register(registry)
                .increment();
    }

    void idempotencyUnavailable() {
        onceOnlyAway.increment();
    }

    void lapsed() {
        lapsed.increment();
    }

    /** @param route a label: of no more than are configured */
    void cache(TenantId tenant, String route, Answer.Head.Cache outcome) {
        byTenant.add(
                tenant,
                "agentserver.llm.cache",
                "calls whose answers may be kept, by what was found",
                1,
                "route",
                route,
                "outcome",
                outcome.name().toLowerCase(Locale.ROOT));
    }

    /** @param microusd what a kept answer has spared its tenant */
    void saved(TenantId tenant, long microusd) {
        byTenant.add(
                tenant,
                "agentserver.llm.cache.saved.microusd",
                "what kept answers have spared, in millionths of a US dollar",
                Math.max(0, (double) microusd));
    }

    /**
     * A call was over one of its tenant's limits.
     *
     * @param shadow it was let in all the same
     */
    void limited(TenantId tenant, Reservation.Limit limit, boolean shadow) {
        byTenant.add(
                tenant,
                "agentserver.llm.limited",
                "calls over a limit of their tenant's",
                1,
                "limit",
                limit.name().toLowerCase(Locale.ROOT),
                "shadow",
                String.valueOf(shadow));
    }

    /**
     * A call has ended.
     *
     * @param outcome complete or broken
     * @param microusd what the tenant pays for it
     */
    void settled(
            TenantId tenant,
            String provider,
            String model,
            String outcome,
            Tokens tokens,
            long microusd,
            Duration duration) {
        String label = listed.test(provider, model) ? model : "other";
        Timer.builder("agentserver.llm.calls")
                .description("from the first token to the end")
                .tags("provider", provider, "model", label, "outcome", outcome)
                .serviceLevelObjectives(BUCKETS)
                .register(registry)
                .record(duration);
        byTenant.add(
                tenant,
                "agentserver.llm.calls",
                "calls that a provider has begun to answer",
                1,
                "provider",
                provider,
                "model",
                label,
                "outcome",
                outcome);
        byTenant.add(
                tenant,
                "agentserver.llm.cost.microusd",
                "what calls cost, in millionths of a US dollar",
                (double) microusd,
                "provider",
                provider,
                "model",
                label);
        count(tenant, provider, label, "input", tokens.input() - tokens.cachedInput());
        count(tenant, provider, label, "cached_input", tokens.cachedInput());
        count(tenant, provider, label, "output", tokens.output());
    }

    private void count(TenantId tenant, String provider, String model, String kind, long tokens) {
        byTenant.add(
                tenant,
                "agentserver.llm.tokens",
                "tokens that calls have used",
                (double) tokens,
                "provider",
                provider,
                "model",
                model,
                "kind",
                kind);
    }

    private Counter rejections(Refusal.Reason reason) {
        return Counter.builder("agentserver.rejected")
                .description("refused input, by reason")
                .tag("reason", reason.label())
                .register(registry);
    }
}
