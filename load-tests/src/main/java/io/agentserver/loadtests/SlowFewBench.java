package io.agentserver.loadtests;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the others notice when one message of a hundred takes {@link BenchService#PAUSE}: the same open loop without and with. */
final class SlowFewBench {
    private final Settings settings;

    /** @param rate conversations a second in all */
    record Settings(String store, String flush, int rate, int seconds, int warmUpSeconds) {
        static Settings of(Options options) {
            options.only("store", "flush", "rate", "seconds", "warm-up");
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    options.number("rate", 300),
                    options.number("seconds", 30),
                    options.number("warm-up", 60));
        }
    }

    SlowFewBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException, ExecutionException {
        try (Platform platform = Platform.find();
                BenchService service = BenchService.start();
                Conversations quick = new Conversations(platform);
                Conversations slow = new Conversations(platform, Conversations.To.SLOW)) {
            Optional<String> before = platform.organism();
            platform.activate(Conversations.organism(service.url()));
            try {
                measure(new Load(quick), new Load(slow));
            } finally {
                if (before.isPresent()) {
                    platform.activate(before.get());
                }
            }
        }
    }

    private void measure(Load quick, Load slow) throws InterruptedException, ExecutionException {
        Duration time = Duration.ofSeconds(settings.seconds());
        int few = Math.max(1, settings.rate() / 100);
        quick.closedLoop(64, Duration.ofSeconds(settings.warmUpSeconds()));
        slow.openLoop(few, Duration.ofSeconds(5));
        Measured alone = quick.openLoop(settings.rate() - few, time);
        Measured beside;
        Measured late;
        try (ExecutorService other = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Measured> running = other.submit(() -> slow.openLoop(few, time));
            beside = quick.openLoop(settings.rate() - few, time);
            late = running.get();
        }
        System.out.println(String.format(
                Locale.ROOT,
                """

                | store | flush | rate | without: p50 | p99 | errors | with %d/s of 5 s: p50 | p99 | errors | the slow: p50 | p99 | errors |
                |---|---|---|---|---|---|---|---|---|---|---|---|
                | %s | %s | %d/s | %s | %s | %s | %s | %s | %s | %s | %s | %s |""",
                few,
                settings.store(),
                settings.flush(),
                settings.rate(),
                alone.percentile(50),
                alone.percentile(99),
                alone.errorText(),
                beside.percentile(50),
                beside.percentile(99),
                beside.errorText(),
                late.percentile(50),
                late.percentile(99),
                late.errorText()));
    }
}
