package io.agentserver.loadtests;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;

/**
 * How many messages a gateway takes: POSTed, acknowledged by the log, answered with 202, nobody waiting for what becomes of
 * them. In: a gateway with its stores, and the operator's key, for a tenant of its own; or, with {@code --bare}, anything that
 * answers 202 to a POST. Out: one row of {@code docs/performance.md}.
 *
 * <p>What is sent is made before the clock runs: {@code --messages} of them, each with an id, a thread, a signature and 400
 * characters of its own that do not compress.
 */
final class AdmissionBench {
    private final Settings settings;

    /**
     * @param bare the URL of something that is no gateway; empty: the gateway of {@link Platform#find()}
     * @param batch messages in one request
     * @param rate requests a second, whatever becomes of them, made as they are sent; 0: a closed loop over what was made before
     * @param limit of the tenant, requests a second; 0: none
     * @param messages of the closed loop; the first third of them warms up and is not counted
     */
    record Settings(
            String bare,
            Signing signing,
            int batch,
            int limit,
            int connections,
            int rate,
            int seconds,
            int messages,
            String label) {
        static Settings of(Options options) {
            options.only("bare", "signing", "batch", "limit", "connections", "rate", "seconds", "messages", "label");
            return new Settings(
                    options.has("bare") ? options.text("bare") : "",
                    Signing.of(options.has("signing") ? options.text("signing") : "org"),
                    options.number("batch", 1),
                    options.has("limit") ? options.number("limit", 1) : 0,
                    options.number("connections", 512),
                    options.has("rate") ? options.number("rate", 1) : 0,
                    options.number("seconds", 20),
                    options.number("messages", 150_000),
                    options.has("label") ? options.text("label") : "gateway");
        }
    }

    /** Whose signature the messages bear. */
    enum Signing {
        /** The org's own, without an API key. */
        ORG,
        /** None: they come with an API key, and the gateway signs them. */
        KEY;

        static Signing of(String text) {
            return switch (text) {
                case "org" -> ORG;
                case "key" -> KEY;
                default -> throw new WrongArguments("--signing " + text + ": write org or key");
            };
        }
    }

    AdmissionBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        if (!settings.bare().isEmpty()) {
            URI server = URI.create(settings.bare());
            measure(server, SentMessages.bare(server, settings.batch()));
            return;
        }
        try (Platform platform = Platform.find();
                Platform tenant = platform.newTenant()) {
            tenant.activate(Conversations.organism(""));
            if (settings.limit() > 0) {
                tenant.limit(settings.limit());
            }
            measure(tenant.gateway, SentMessages.of(tenant, settings.signing() == Signing.ORG, settings.batch()));
        }
    }

    private void measure(URI server, SentMessages messages) {
        if (settings.rate() > 0) {
            try (SentMessages.Sending sending = messages.asTheyGo(server)) {
                Load load = new Load(sending);
                load.openLoop(settings.rate(), Duration.ofSeconds(Math.min(20, settings.seconds())));
                print(load.openLoop(settings.rate(), Duration.ofSeconds(settings.seconds())), settings.rate() + "/s");
            }
            return;
        }
        int requests = Math.max(3, settings.messages() / settings.batch());
        try (SentMessages.Sending sending = messages.prepared(server, requests)) {
            Load load = new Load(sending);
            load.closedLoop(settings.connections(), requests / 3);
            print(
                    load.closedLoop(settings.connections(), requests - requests / 3),
                    settings.connections() + " connections");
        }
    }

    private void print(Measured measured, String how) {
        System.out.println(String.format(
                Locale.ROOT,
                """

                | what | signed by | limit | messages a request | load | messages/s | p50 of a request | p99 | errors |
                |---|---|---|---|---|---|---|---|---|
                | %s | %s | %s | %d | %s | %.0f | %s | %s | %s |""",
                settings.label(),
                settings.bare().isEmpty() ? settings.signing().name().toLowerCase(Locale.ROOT) : "nobody",
                settings.limit() > 0 ? settings.limit() + "/s" : "none",
                settings.batch(),
                how,
                measured.perSecond() * settings.batch(),
                measured.percentile(50),
                measured.percentile(99),
                measured.errorText()));
    }
}
