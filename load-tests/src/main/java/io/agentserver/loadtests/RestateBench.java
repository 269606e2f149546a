package io.agentserver.loadtests;

import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

/**
 * The peer: a Restate virtual object that appends 500 bytes to its state and answers, by way of its ingress, with the same
 * loops as {@link ConversationBench}; {@code peers/restate} has the service.
 */
final class RestateBench {
    private static final String FILL = "x".repeat(500);

    private final Settings settings;

    /** @param handler append (one handler) or relay (calls another one in between) */
    record Settings(String ingress, String handler, int clients, int rate, int seconds, int warmUpSeconds) {
        static Settings of(Options options) {
            options.only("ingress", "handler", "clients", "rate", "seconds", "warm-up");
            return new Settings(
                    options.text("ingress"),
                    options.text("handler"),
                    options.number("clients", 64),
                    options.number("rate", 100),
                    options.number("seconds", 30),
                    options.number("warm-up", 20));
        }
    }

    RestateBench(Settings settings) {
        this.settings = settings;
    }

    private static final class Appends extends HttpExchanges {
        private final String handler;

        Appends(URI ingress, String handler) {
            super(ingress);
            this.handler = handler;
        }

        @Override
        Request request(long number) {
            String text = "append " + number + " " + System.nanoTime();
            return new Request(
                    "/thread/" + UUID.randomUUID() + "/" + handler,
                    Map.of("Content-Type", "application/json"),
                    "{\"text\":\"" + text + " " + FILL + "\"}",
                    200,
                    text);
        }
    }

    void run() {
        try (Appends appends = new Appends(URI.create(settings.ingress()), settings.handler())) {
            Load load = new Load(appends);
            load.closedLoop(settings.clients(), Duration.ofSeconds(settings.warmUpSeconds()));
            Measured closed = load.closedLoop(settings.clients(), Duration.ofSeconds(settings.seconds()));
            Measured open = load.openLoop(settings.rate(), Duration.ofSeconds(settings.seconds()));
            System.out.println(String.format(
                    Locale.ROOT,
                    """

                    | peer | clients | /s | p50 | p99 | errors | rate | p50 | p99 | errors |
                    |---|---|---|---|---|---|---|---|---|---|
                    | Restate, %s | %d | %.0f | %s | %s | %s | %d/s | %s | %s | %s |""",
                    settings.handler(),
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
    }
}
