package io.agentserver.loadtests;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;

/**
 * Whether a router's memory and threads stay what they are: in: one that runs, as a process of this machine, and the models that it
 * asks. Out: a line for each part of the time, with the calls and streams of that part, their latencies and, at its end, the heap that
 * is in use after a full collection, what the process has resident, and its threads. The collections are the bench's own: one a part,
 * and what they hold up counts.
 */
final class SoakBench {
    private static final long MIB = 1 << 20;

    private final Settings settings;

    /**
     * @param rate calls a second, each another one
     * @param streams that begin in each minute, one after the other, beside the calls
     * @param minutes in all
     * @param part of them, for a line each
     */
    record Settings(
            URI target,
            long pid,
            String key,
            String model,
            String streamModel,
            int rate,
            int streams,
            int minutes,
            int part) {
        static Settings of(Options options) {
            options.only("target", "pid", "key", "model", "stream-model", "rate", "streams", "minutes", "part");
            return new Settings(
                    URI.create(options.text("target")),
                    options.number("pid", 1),
                    options.text("key"),
                    options.has("model") ? options.text("model") : "m",
                    options.has("stream-model") ? options.text("stream-model") : "m",
                    options.number("rate", 200),
                    options.number("streams", 120),
                    options.number("minutes", 60),
                    options.number("part", 5));
        }
    }

    SoakBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException {
        Map<String, String> headers = Map.of("Authorization", "Bearer " + settings.key());
        System.out.println(
                "| minutes | calls | errors | p50 | p99 | streams | cut | heap after a collection | outside the heap"
                        + " | resident | threads | processor |\n|---|---|---|---|---|---|---|---|---|---|---|---|");
        try (JvmUse jvm = JvmUse.of(settings.pid());
                ChatCalls calls = new ChatCalls(settings.target(), headers, ChatCalls.different(settings.model()))) {
            look("0", new Part(), Duration.ZERO, jvm);
            for (int begin = 0; begin < settings.minutes(); begin += settings.part()) {
                int end = Math.min(begin + settings.part(), settings.minutes());
                Duration before = ProcessUse.processor(settings.pid());
                Part part = new Part();
                for (int minute = begin; minute < end; minute++) {
                    part.minute(calls, headers);
                }
                look(
                        begin + " to " + end,
                        part,
                        ProcessUse.processor(settings.pid()).minus(before),
                        jvm);
            }
        }
    }

    private void look(String minutes, Part part, Duration used, JvmUse jvm) throws IOException {
        System.out.println(String.format(
                Locale.ROOT,
                "| %s | %d | %s | %s | %s | %d | %d | %.1f MiB | %.1f MiB | %d MiB | %d | %d s |",
                minutes,
                part.answered,
                part.errors.isEmpty() ? "0" : part.errors,
                part.percentile(50),
                part.percentile(99),
                part.complete,
                part.cut,
                (double) jvm.live() / MIB,
                (double) jvm.nonHeap() / MIB,
                ProcessUse.memory(settings.pid()),
                jvm.threads(),
                used.toSeconds()));
    }

    /** Some minutes' sums. */
    private final class Part {
        private final Map<String, Long> errors = new HashMap<>();
        private final Histogram latencies = new Histogram(3);
        private long answered;
        private long complete;
        private long cut;

        void minute(ChatCalls calls, Map<String, String> headers) {
            Duration minute = Duration.ofMinutes(1);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                CompletableFuture<ChatStreams.Result> streams = CompletableFuture.supplyAsync(
                        () -> new ChatStreams(settings.target(), headers, settings.streamModel())
                                .run(settings.streams(), minute),
                        threads);
                Measured measured = new Load(calls).openLoop(settings.rate(), minute);
                answered += measured.answered();
                measured.errors().forEach((kind, count) -> errors.merge(kind, count, Long::sum));
                latencies.add(measured.latencies());
                ChatStreams.Result ended = streams.join();
                complete += ended.complete();
                cut += ended.failed();
            }
        }

        String percentile(double percentile) {
            return answered == 0
                    ? "–"
                    : String.format(Locale.ROOT, "%.1f ms", latencies.getValueAtPercentile(percentile) / 1000.0);
        }
    }
}
