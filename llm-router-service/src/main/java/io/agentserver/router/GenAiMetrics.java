package io.agentserver.router;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.Locale;
import java.util.function.BiPredicate;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The meters that <a href="https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/">OpenTelemetry's conventions for
 * generative AI</a> have for a client of models, of each attempt at a provider, so that dashboards made for these work. Safe on
 * any thread.
 */
final class GenAiMetrics {
    /** As the conventions advise: from 1 on, each four times the one before; and from 10 ms on, each twice. */
    private static final double[] TOKENS =
            DoubleStream.iterate(1, bound -> bound * 4).limit(14).toArray();

    private static final Duration[] TIMES = IntStream.range(0, 14)
            .mapToObj(power -> Duration.ofMillis(10L << power))
            .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final BiPredicate<String, String> listed;

    /** @param listed whether (provider, model) may be a label */
    GenAiMetrics(MeterRegistry registry, BiPredicate<String, String> listed) {
        this.registry = registry;
        this.listed = listed;
    }

    Attempt begin(ChatRequest.Kind kind, String provider, String model) {
        return new Attempt(
                kind,
                Tags.of(
                        "gen_ai.operation.name",
                        kind.name().toLowerCase(Locale.ROOT),
                        "gen_ai.provider.name",
                        provider,
                        "gen_ai.request.model",
                        listed.test(provider, model) ? model : "other"));
    }

    /** One at a provider; what is said after its end has no effect. Used on one thread at a time. */
    final class Attempt {
        private final ChatRequest.Kind kind;
        private final Tags tags;
        private final Stopwatch since = new Stopwatch();
        private boolean over;

        private Attempt(ChatRequest.Kind kind, Tags tags) {
            this.kind = kind;
            this.tags = tags;
        }

        /** Of an answer that comes in pieces. */
        void firstToken() {
            if (kind == ChatRequest.Kind.CHAT) {
                timer("gen_ai.client.operation.time_to_first_chunk", "from asking a provider to its first token", tags);
            }
        }

        /** @param errorType empty: it is whole */
        void end(String errorType) {
            if (!over) {
                over = true;
                timer(
                        "gen_ai.client.operation.duration",
                        "from asking a provider to its answer's end",
                        tags.and("error.type", errorType));
            }
        }

        void used(Tokens tokens) {
            if (!over) {
                tokens("input", tokens.input());
                tokens("output", tokens.output());
            }
        }

        private void tokens(String type, long count) {
            if (type.equals("output") && kind == ChatRequest.Kind.EMBEDDINGS) {
                return;
            }
            DistributionSummary.builder("gen_ai.client.token.usage")
                    .description("tokens that an answer has used")
                    .tags(tags.and("gen_ai.token.type", type))
                    .serviceLevelObjectives(TOKENS)
                    .register(registry)
                    .record((double) count);
        }

        private void timer(String name, String description, Tags of) {
            Timer.builder(name)
                    .description(description)
                    .tags(of)
                    .serviceLevelObjectives(TIMES)
                    .register(registry)
                    .record(since.elapsed());
        }
    }
}
