package io.agentserver.loadtests;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * How late timers are: so many a second are set, each for an instant that lies the same time ahead, and their clients wait for them to ring. What is counted is the
 * answer's arrival after that instant, by the clock that both share. So it holds all that a message takes from the due index on: the log, a
 * lane, the journal twice, and the answer's way back.
 */
final class TimersBench {
    private static final int WARM_UP_CLIENTS = 64;
    private static final long LONGEST_MICROS = Duration.ofMinutes(2).toNanos() / 1000;
    private static final int DIGITS = 3;
    private static final String ORGANISM = """
            organism: {name: benchmark}
            listeners:
              - name: alarm
                description: Rings at a time.
                handler: builtin:timer
                payload: {root: Alarm, fields: {At: string, Text: string}}
                response: {root: Ring, fields: {Text: string}}
              - name: echo
                description: Answers with what it got.
                handler: builtin:echo
                payload: {root: Ping, fields: {Text: string}}
            """;

    private final Settings settings;

    /**
     * @param rate timers set a second
     * @param ahead how far ahead each is; at most 25 s, for a client waits 30 s at most
     */
    record Settings(String store, String flush, int rate, Duration ahead, int seconds, int warmUpSeconds) {
        static Settings of(Options options) {
            options.only("store", "flush", "rate", "ahead", "seconds", "warm-up");
            int ahead = options.number("ahead", 10);
            if (ahead > 25) {
                throw new WrongArguments("--ahead " + ahead + ": a client waits 30 s at most, write 25 or less");
            }
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    options.number("rate", 100),
                    Duration.ofSeconds(ahead),
                    options.number("seconds", 30),
                    options.number("warm-up", 60));
        }
    }

    TimersBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        try (Platform platform = Platform.find();
                Conversations echo = new Conversations(platform);
                Timers timers = new Timers(platform, settings.ahead())) {
            Optional<String> before = platform.organism();
            platform.activate(ORGANISM);
            try {
                new Load(echo).closedLoop(WARM_UP_CLIENTS, Duration.ofSeconds(settings.warmUpSeconds()));
                Load load = new Load(timers);
                load.openLoop(settings.rate(), Duration.ofSeconds(5));
                timers.lateness.reset();
                Measured rung = load.openLoop(settings.rate(), Duration.ofSeconds(settings.seconds()));
                report(rung, timers.lateness);
            } finally {
                if (before.isPresent()) {
                    platform.activate(before.get());
                }
            }
        }
    }

    private void report(Measured rung, Histogram lateness) {
        System.out.println(String.format(
                Locale.ROOT,
                """

                | store | flush | timers set | ahead | rung | late: p50 | p99 | most | errors |
                |---|---|---|---|---|---|---|---|---|
                | %s | %s | %d/s for %d s | %d s | %d | %s | %s | %s | %s |""",
                settings.store(),
                settings.flush(),
                settings.rate(),
                settings.seconds(),
                settings.ahead().toSeconds(),
                rung.answered(),
                millis(lateness.getValueAtPercentile(50)),
                millis(lateness.getValueAtPercentile(99)),
                millis(lateness.getMaxValue()),
                rung.errorText()));
    }

    private static String millis(long micros) {
        return String.format(Locale.ROOT, "%.1f ms", micros / 1000.0);
    }

    /** Each sets one, and waits for it. One that rings early is an error. */
    private static final class Timers extends KeptConnections {
        private final Platform platform;
        private final Duration ahead;
        private final Histogram lateness = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);

        Timers(Platform platform, Duration ahead) {
            super(platform.gateway);
            this.platform = platform;
            this.ahead = ahead;
        }

        @Override
        public boolean hold() {
            Instant due = Instant.now().plus(ahead);
            return exchange(request(due), answer -> {
                long late = Duration.between(due, Instant.now()).toNanos() / 1000;
                if (answer.status() != 200) {
                    return "status " + answer.status();
                }
                if (!answer.body().contains("<Text>" + due + "</Text>")) {
                    return "another text";
                }
                if (late < 0) {
                    return "early";
                }
                lateness.recordValue(Math.min(late, LONGEST_MICROS));
                return "";
            });
        }

        private byte[] request(Instant due) {
            String body =
                    "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>bench</from><to>alarm</to></meta>"
                            + "<Alarm xmlns=\"\"><At>" + due + "</At><Text>" + due + "</Text></Alarm></message>";
            return ("POST /v1/messages HTTP/1.1\r\nHost: " + platform.gateway.getAuthority()
                            + "\r\nAuthorization: Bearer " + platform.key
                            + "\r\nContent-Type: application/xml\r\nPrefer: wait=30\r\nContent-Length: "
                            + body.length() + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.US_ASCII);
        }
    }
}
