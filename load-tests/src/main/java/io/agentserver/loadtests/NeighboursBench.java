package io.agentserver.loadtests;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What one tenant notices of another that sends all it can. In: a running platform and its operator's key. Out: one row of
 * {@code docs/performance.md}. The quiet tenant is made for it and stays; the loud one is the platform's own, whose organism
 * is put back.
 */
final class NeighboursBench {
    private final Settings settings;

    /**
     * @param rate the quiet tenant's conversations a second
     * @param clients of the loud tenant's closed loop
     * @param loudRate instead of a closed loop: the loud tenant's conversations a second; 0: none
     */
    record Settings(String store, String flush, int rate, int clients, int loudRate, int seconds, int warmUpSeconds) {
        static Settings of(Options options) {
            options.only("store", "flush", "rate", "clients", "loud-rate", "seconds", "warm-up");
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    options.number("rate", 10),
                    options.number("clients", 256),
                    options.number("loud-rate", 0),
                    options.number("seconds", 30),
                    options.number("warm-up", 60));
        }
    }

    NeighboursBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException, ExecutionException {
        try (Platform loud = Platform.find();
                Platform quiet = loud.newTenant();
                Conversations ofLoud = new Conversations(loud);
                Conversations ofQuiet = new Conversations(quiet)) {
            quiet.activate(Conversations.organism(""));
            Optional<String> before = loud.organism();
            loud.activate(Conversations.organism(""));
            try {
                measure(new Load(ofLoud), new Load(ofQuiet));
            } finally {
                if (before.isPresent()) {
                    loud.activate(before.get());
                }
            }
        }
    }

    private void measure(Load loud, Load quiet) throws InterruptedException, ExecutionException {
        Duration time = Duration.ofSeconds(settings.seconds());
        loud.closedLoop(64, Duration.ofSeconds(settings.warmUpSeconds()));
        quiet.openLoop(settings.rate(), Duration.ofSeconds(5)); // its lanes, its organism
        Measured alone = quiet.openLoop(settings.rate(), time);
        Measured beside;
        Measured crowd;
        try (ExecutorService other = Executors.newVirtualThreadPerTaskExecutor()) {
            Duration longer = time.plusSeconds(4);
            Future<Measured> flood = other.submit(() -> settings.loudRate() > 0
                    ? loud.openLoop(settings.loudRate(), longer)
                    : loud.closedLoop(settings.clients(), longer));
            Thread.sleep(Duration.ofSeconds(2)); // the flood is up before it counts
            beside = quiet.openLoop(settings.rate(), time);
            crowd = flood.get();
        }
        System.out.println(String.format(
                Locale.ROOT,
                """

                | store | flush | quiet tenant alone: rate | p50 | p99 | errors | beside %s of another: p50 | p99 | errors | the other: conversations/s | p50 | p99 | errors |
                |---|---|---|---|---|---|---|---|---|---|---|---|---|
                | %s | %s | %d/s | %s | %s | %s | %s | %s | %s | %.0f | %s | %s | %s |""",
                settings.loudRate() > 0 ? settings.loudRate() + "/s" : settings.clients() + " clients",
                settings.store(),
                settings.flush(),
                settings.rate(),
                alone.percentile(50),
                alone.percentile(99),
                alone.errorText(),
                beside.percentile(50),
                beside.percentile(99),
                beside.errorText(),
                crowd.perSecond(),
                crowd.percentile(50),
                crowd.percentile(99),
                crowd.errorText()));
    }
}
