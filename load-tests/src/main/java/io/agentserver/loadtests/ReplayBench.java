package io.agentserver.loadtests;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * How many of an agent's model calls the router's cache answers, and what that spares: replays a {@link PromptTrace} against a running
 * router, by clients that each send the next call when their last is over. Out: a table of hits, money, provider's time and
 * latencies, beside what the trace allows at most.
 */
final class ReplayBench {
    private static final long LONGEST_MICROS = 120_000_000;

    private final Settings settings;
    private final List<PromptTrace.Call> trace;

    /** @param model a route or {@code provider/model}, whose answers are kept */
    record Settings(URI router, String key, String model, int clients, PromptTrace.Shape shape) {
        static Settings of(Options options) {
            options.only(
                    "router", "key", "model", "clients", "calls", "tasks", "skew", "steps", "fresh", "at-once", "seed");
            return new Settings(
                    URI.create(options.text("router")),
                    options.text("key"),
                    options.has("model") ? options.text("model") : "default",
                    options.number("clients", 8),
                    new PromptTrace.Shape(
                            options.number("calls", 20_000),
                            options.number("tasks", 2_000),
                            options.fraction("skew", 1.0),
                            options.number("steps", 4),
                            options.fraction("fresh", 0.2),
                            options.number("at-once", 50),
                            options.number("seed", 1)));
        }
    }

    ReplayBench(Settings settings) {
        this.settings = settings;
        this.trace = PromptTrace.of(settings.shape());
    }

    void run() {
        Replayed replayed = new Replayed(settings, trace);
        Measured measured;
        try (replayed) {
            measured = new Load(replayed).closedLoop(settings.clients(), trace.size());
        }
        long repeats = trace.stream().filter(PromptTrace.Call::repeat).count();
        System.out.println(settings.shape());
        System.out.printf(Locale.ROOT, "%d calls, errors: %s%n", measured.answered(), measured.errorText());
        System.out.printf(
                Locale.ROOT,
                "repeats in the trace: %.1f %%; hits: %d = %.1f %%%n",
                100.0 * repeats / trace.size(),
                replayed.hits.sum(),
                100.0 * replayed.hits.sum() / Math.max(1, measured.answered()));
        System.out.printf(
                Locale.ROOT,
                "paid: %d micro-USD; spared: %d micro-USD = %.1f %% of what it would have cost%n",
                replayed.paid.sum(),
                replayed.spared.sum(),
                100.0 * replayed.spared.sum() / Math.max(1, replayed.paid.sum() + replayed.spared.sum()));
        System.out.println("| | calls | p50 | p99 |\n|---|---|---|---|");
        row("hit", replayed.hitTimes);
        row("miss", replayed.missTimes);
    }

    private static void row(String what, Histogram times) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %.1f ms | %.1f ms |%n",
                what,
                times.getTotalCount(),
                times.getValueAtPercentile(50) / 1000.0,
                times.getValueAtPercentile(99) / 1000.0);
    }

    /** The trace's calls, each once and in its order, as far as clients that run side by side keep one. */
    private static final class Replayed extends KeptConnections {
        final LongAdder hits = new LongAdder();
        final LongAdder paid = new LongAdder();
        final LongAdder spared = new LongAdder();
        final Histogram hitTimes = new ConcurrentHistogram(LONGEST_MICROS, 3);
        final Histogram missTimes = new ConcurrentHistogram(LONGEST_MICROS, 3);
        private final Settings settings;
        private final List<PromptTrace.Call> trace;
        private final AtomicInteger next = new AtomicInteger();
        private final Map<String, Long> costs = new ConcurrentHashMap<>(); // of a call, by its messages

        Replayed(Settings settings, List<PromptTrace.Call> trace) {
            super(settings.router());
            this.settings = settings;
            this.trace = trace;
        }

        @Override
        public boolean hold() {
            PromptTrace.Call call = trace.get(next.getAndIncrement());
            byte[] request = request(call);
            long begun = System.nanoTime();
            return exchange(request, answer -> {
                long micros = Math.min((System.nanoTime() - begun) / 1000, LONGEST_MICROS);
                return answer.status() == 200
                        ? note(call, JsonMapper.shared().readTree(answer.body()).path("agentserver"), micros)
                        : "status " + answer.status();
            });
        }

        private String note(PromptTrace.Call call, JsonNode says, long micros) {
            if (!says.has("cost")) {
                return "no cost";
            }
            long cost = says.path("cost").asLong();
            paid.add(cost);
            if (says.path("cached").asBoolean(false)) {
                hits.increment();
                hitTimes.recordValue(micros);
                spared.add(costs.getOrDefault(call.messages(), cost) - cost);
            } else {
                missTimes.recordValue(micros);
                costs.putIfAbsent(call.messages(), cost);
            }
            return "";
        }

        private byte[] request(PromptTrace.Call call) {
            String body = "{\"model\":\"" + settings.model() + "\",\"max_tokens\":400,\"messages\":[" + call.messages()
                    + "]}";
            return ("POST /v1/chat/completions HTTP/1.1\r\nHost: "
                            + settings.router().getAuthority()
                            + "\r\nAuthorization: Bearer " + settings.key()
                            + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                            + body)
                    .getBytes(StandardCharsets.US_ASCII);
        }
    }
}
