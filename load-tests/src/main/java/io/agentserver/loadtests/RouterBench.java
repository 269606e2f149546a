package io.agentserver.loadtests;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;

/**
 * What an LLM gateway costs: in: one that runs, as a process of this machine, and the model that it asks ({@code model}, below), so
 * that what the gateway adds can be told from what the model takes. Out: one table of processor time a call, added latency at a
 * constant rate, saturation, many streams at once, and, of one with a cache, how fast a kept answer is. The same for ours and for
 * others', with other headers.
 */
final class RouterBench {
    private final Settings settings;
    private final Map<String, String> headers;

    /**
     * @param target the gateway
     * @param direct the model; asked as the gateway is, for comparison
     * @param streaming a model that takes its time over each token, for the streams
     * @param pid of the gateway
     * @param as {@code agentserver}, or {@code portkey}: by which headers it is told whom to ask
     * @param hits whether it keeps answers
     * @param rest seconds of nothing after each full load: what others of the platform still do with it would count as the gateway's
     */
    record Settings(
            URI target,
            URI direct,
            URI streaming,
            long pid,
            String as,
            String key,
            String model,
            String streamModel,
            int rate,
            int clients,
            int streams,
            int seconds,
            int warmUp,
            int rest,
            boolean hits) {
        static Settings of(Options options) {
            options.only(
                    "target",
                    "direct",
                    "streaming",
                    "pid",
                    "as",
                    "key",
                    "model",
                    "stream-model",
                    "rate",
                    "clients",
                    "streams",
                    "seconds",
                    "warm-up",
                    "rest",
                    "hits");
            String as = options.has("as") ? options.text("as") : "agentserver";
            if (!as.equals("agentserver") && !as.equals("portkey")) {
                throw new WrongArguments("--as " + as + ": agentserver or portkey");
            }
            return new Settings(
                    URI.create(options.text("target")),
                    URI.create(options.text("direct")),
                    URI.create(options.text("streaming")),
                    options.number("pid", 1),
                    as,
                    options.has("key") ? options.text("key") : "none",
                    options.has("model") ? options.text("model") : "m",
                    options.has("stream-model") ? options.text("stream-model") : "m",
                    options.number("rate", 200),
                    options.number("clients", 64),
                    options.number("streams", 2_000),
                    options.number("seconds", 30),
                    options.number("warm-up", 30),
                    options.has("rest") ? options.number("rest", 1) : 0,
                    options.has("hits") && options.text("hits").equals("yes"));
        }
    }

    RouterBench(Settings settings) {
        this.settings = settings;
        this.headers = new HashMap<>();
        headers.put("Authorization", "Bearer " + settings.key());
    }

    void run() throws IOException, InterruptedException {
        Duration time = Duration.ofSeconds(settings.seconds());
        Map<String, String> toCalls = toward(settings.direct());
        closed(
                settings.target(),
                toCalls,
                ChatCalls.different(settings.model()),
                Duration.ofSeconds(settings.warmUp()));
        System.out.println("| " + settings.as() + " | |\n|---|---|");

        rest();
        Measured bare = open(settings.direct(), Map.of(), ChatCalls.different("m"), time);
        Measured through = open(settings.target(), toCalls, ChatCalls.different(settings.model()), time);
        row(
                "added at " + settings.rate() + "/s",
                "p50 %s, p99 %s (%d calls, errors %s; the model alone p50 %s, p99 %s)"
                        .formatted(
                                difference(through, bare, 50),
                                difference(through, bare, 99),
                                through.answered(),
                                through.errorText(),
                                bare.percentile(50),
                                bare.percentile(99)));

        Duration before = ProcessUse.processor(settings.pid());
        Measured most = closed(settings.target(), toCalls, ChatCalls.different(settings.model()), time);
        Duration used = ProcessUse.processor(settings.pid()).minus(before);
        row(
                "saturation, " + settings.clients() + " clients",
                String.format(
                        Locale.ROOT,
                        "%.0f calls/s, p99 %s, errors %s",
                        most.perSecond(),
                        most.percentile(99),
                        most.errorText()));
        row(
                "processor of a call, then",
                String.format(Locale.ROOT, "%.0f µs", used.toNanos() / 1e3 / Math.max(1, most.answered())));
        rest();
        if (settings.hits()) {
            hits(toCalls, time);
        }
        streams();
    }

    private void rest() throws InterruptedException {
        Thread.sleep(Duration.ofSeconds(settings.rest()));
    }

    private void hits(Map<String, String> toCalls, Duration time) {
        LongFunction<String> same = ChatCalls.same(settings.model());
        try (ChatCalls first = new ChatCalls(settings.target(), toCalls, same)) {
            first.hold();
        }
        Measured hits = open(settings.target(), toCalls, same, time);
        row(
                "kept answer, at " + settings.rate() + "/s",
                "p50 " + hits.percentile(50) + ", p99 " + hits.percentile(99) + " (" + hits.answered()
                        + " calls, errors " + hits.errorText() + ")");
    }

    private void streams() throws IOException {
        Duration ramp = Duration.ofSeconds(Math.max(1, settings.streams() / 200));
        ChatStreams.Result bare = new ChatStreams(settings.streaming(), Map.of(), "m").run(settings.streams(), ramp);
        Duration before = ProcessUse.processor(settings.pid());
        Peak peak = Peak.of(settings.pid());
        ChatStreams.Result through = new ChatStreams(
                        settings.target(), toward(settings.streaming()), settings.streamModel())
                .run(settings.streams(), ramp);
        long memory = peak.end();
        Duration used = ProcessUse.processor(settings.pid()).minus(before);
        row(
                settings.streams() + " streams",
                String.format(
                        Locale.ROOT,
                        "%d complete, %d failed; %.0f chunks/s (the model alone %.0f); first chunk added p50 %.1f ms, p99 %.1f ms; "
                                + "%.0f µs of processor a chunk; at most %d MiB resident",
                        through.complete(),
                        through.failed(),
                        perSecond(through),
                        perSecond(bare),
                        added(through, bare, 50),
                        added(through, bare, 99),
                        used.toNanos() / 1e3 / Math.max(1, through.chunks()),
                        memory));
    }

    /** Looks at a process' memory each quarter of a second. */
    private static final class Peak implements Runnable {
        private final long pid;
        private volatile long most;
        private volatile boolean over;
        private final Thread thread = Thread.ofPlatform().daemon().unstarted(this);

        private Peak(long pid) {
            this.pid = pid;
        }

        static Peak of(long pid) {
            Peak peak = new Peak(pid);
            peak.thread.start();
            return peak;
        }

        @Override
        public void run() {
            try {
                while (!over) {
                    most = Math.max(most, ProcessUse.memory(pid));
                    Thread.sleep(250);
                }
            } catch (IOException | InterruptedException gone) {
                System.err.println("process " + pid + " cannot be looked at any more: " + gone);
            }
        }

        long end() {
            over = true;
            return most;
        }
    }

    private Measured open(URI server, Map<String, String> with, LongFunction<String> bodies, Duration time) {
        try (ChatCalls calls = new ChatCalls(server, with, bodies)) {
            return new Load(calls).openLoop(settings.rate(), time);
        }
    }

    private Measured closed(URI server, Map<String, String> with, LongFunction<String> bodies, Duration time) {
        try (ChatCalls calls = new ChatCalls(server, with, bodies)) {
            return new Load(calls).closedLoop(settings.clients(), time);
        }
    }

    /** What tells the gateway which model to ask, where its own settings do not. */
    private Map<String, String> toward(URI model) {
        if (settings.as().equals("agentserver")) {
            return headers;
        }
        Map<String, String> all = new HashMap<>(headers);
        all.put("x-portkey-provider", "openai");
        all.put("x-portkey-custom-host", model.resolve("/v1").toString());
        return all;
    }

    private static String difference(Measured through, Measured bare, double percentile) {
        return String.format(
                Locale.ROOT,
                "%+.2f ms",
                (through.latencies().getValueAtPercentile(percentile)
                                - bare.latencies().getValueAtPercentile(percentile))
                        / 1000.0);
    }

    private static double added(ChatStreams.Result through, ChatStreams.Result bare, double percentile) {
        return (through.firsts().getValueAtPercentile(percentile)
                        - bare.firsts().getValueAtPercentile(percentile))
                / 1000.0;
    }

    private static double perSecond(ChatStreams.Result result) {
        return result.chunks() / (result.time().toNanos() / 1e9);
    }

    private static void row(String what, String came) {
        System.out.println("| " + what + " | " + came + " |");
    }
}
