package io.agentserver.loadtests;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * The whole path with the echo tool: HTTP → log → pump → journal → HTTP. In: a running platform. Out: one row of the table
 * in {@code docs/performance.md}. The tenant's organism is replaced meanwhile and put back afterwards.
 */
final class ConversationBench {
    private final Settings settings;

    /**
     * @param store the buffer's store mode, for the row: the platform does not tell it
     * @param flush the flush policy of log and store, likewise
     * @param hops 1: the echo tool; 2: a service that hands over to it first
     * @param clients of the closed loop
     * @param rate of the open loop, conversations a second
     * @param seconds of each loop
     */
    record Settings(String store, String flush, int hops, int clients, int rate, int seconds, int warmUpSeconds) {
        static Settings of(Options options) {
            options.only("store", "flush", "hops", "clients", "rate", "seconds", "warm-up");
            int hops = options.number("hops", 1);
            if (hops > 2) {
                throw new WrongArguments("--hops " + hops + ": 1 or 2");
            }
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    hops,
                    options.number("clients", 64),
                    options.number("rate", 100),
                    options.number("seconds", 30),
                    options.number("warm-up", 20));
        }
    }

    ConversationBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        try (Platform platform = Platform.find();
                BenchService service = BenchService.start();
                Conversations conversations = new Conversations(
                        platform, settings.hops() == 1 ? Conversations.To.ECHO : Conversations.To.RELAY)) {
            Optional<String> before = platform.organism();
            platform.activate(Conversations.organism(service.url()));
            try {
                measure(conversations);
            } finally {
                if (before.isPresent()) {
                    platform.activate(before.get());
                }
            }
        }
    }

    private void measure(Conversations conversations) {
        Load load = new Load(conversations);
        Duration time = Duration.ofSeconds(settings.seconds());
        Measured warmUp = load.closedLoop(settings.clients(), Duration.ofSeconds(settings.warmUpSeconds()));
        say("warm-up", warmUp);
        Measured closed = load.closedLoop(settings.clients(), time);
        say("closed loop, " + settings.clients() + " clients", closed);
        Measured open = load.openLoop(settings.rate(), time);
        say("open loop, " + settings.rate() + "/s", open);
        System.out.println("""

                | store | flush | hops | clients | conversations/s | p50 | p99 | errors | rate | p50 | p99 | errors |
                |---|---|---|---|---|---|---|---|---|---|---|---|
                | %s | %s | %d | %d | %.0f | %s | %s | %s | %d/s | %s | %s | %s |""".formatted(
                        settings.store(),
                        settings.flush(),
                        settings.hops(),
                        settings.clients(),
                        closed.perSecond(),
                        closed.percentile(50),
                        closed.percentile(99),
                        closed.errorText(),
                        settings.rate(),
                        open.percentile(50),
                        open.percentile(99),
                        open.errorText()));
    }

    private static void say(String what, Measured measured) {
        System.out.printf(
                Locale.ROOT,
                "%s: %d answered, %.0f/s, p50 %s, p99 %s, most %s, errors %s%n",
                what,
                measured.answered(),
                measured.perSecond(),
                measured.percentile(50),
                measured.percentile(99),
                measured.percentile(100),
                measured.errorText());
    }
}
