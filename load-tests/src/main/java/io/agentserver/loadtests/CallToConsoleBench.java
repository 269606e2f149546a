package io.agentserver.loadtests;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long after the last byte of a model call's answer the console's overview shows what it cost, and the credit that is left:
 * one call after the other through the router, by the demo's key, and the page asked for over HTTP again and again. Both figures
 * must have moved by the same amount. A page that a person has open asks every 5 s, which comes on top. Needs a platform of
 * {@code ./agentserver dev} that nobody else uses.
 */
final class CallToConsoleBench {
    private static final Pattern MONEY = Pattern.compile("<data class=\"money\"[^>]* value=\"(-?[0-9]+)\"");
    private static final long LONGEST = 60_000_000_000L;

    private final Settings settings;

    /** @param rounds calls that are counted, after one that is not */
    record Settings(URI router, String console, int rounds) {
        static Settings of(Options options) {
            options.only("router", "console", "rounds");
            return new Settings(
                    URI.create(options.text("router")),
                    options.has("console") ? options.text("console") : DemoConsole.USUAL_URL,
                    options.number("rounds", 50));
        }
    }

    /** Micro-USD, as the overview shows them. */
    private record Figures(long credit, long cost) {}

    CallToConsoleBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        double[] milliseconds = new double[settings.rounds()];
        try (Platform platform = Platform.find();
                HttpClient http = HttpClient.newHttpClient();
                DemoConsole console = DemoConsole.signIn(settings.console())) {
            for (int round = -1; round < settings.rounds(); round++) {
                Figures before = figures(console);
                call(http, platform.key);
                double took = untilShown(console, before);
                if (round >= 0) {
                    milliseconds[round] = took;
                }
            }
        }
        Arrays.sort(milliseconds);
        System.out.printf(
                Locale.ROOT,
                "| from a call's end to cost and credit on the overview | rounds | median | longest |%n"
                        + "|---|---|---|---|%n| asked for again and again | %d | %.0f ms | %.0f ms |%n",
                milliseconds.length,
                milliseconds[milliseconds.length / 2],
                milliseconds[milliseconds.length - 1]);
    }

    private void call(HttpClient http, String key) throws IOException, InterruptedException {
        HttpResponse<Void> answer = http.send(
                HttpRequest.newBuilder(settings.router().resolve("/v1/chat/completions"))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{\"model\":\"simulated/default\",\"max_tokens\":10,\"messages\":"
                                + "[{\"role\":\"user\",\"content\":\"Hi\"}]}"))
                        .build(),
                BodyHandlers.discarding());
        if (answer.statusCode() != 200) {
            throw new IOException("the router answered " + answer.statusCode());
        }
    }

    private static double untilShown(DemoConsole console, Figures before) throws IOException, InterruptedException {
        long end = System.nanoTime();
        while (System.nanoTime() - end < LONGEST) {
            Figures now = figures(console);
            if (now.cost() > before.cost() && before.credit() - now.credit() == now.cost() - before.cost()) {
                return (System.nanoTime() - end) / 1e6;
            }
        }
        throw new IOException("a call is not on the overview after 60 s");
    }

    private static Figures figures(DemoConsole console) throws IOException, InterruptedException {
        Matcher money = MONEY.matcher(new String(console.page("overview"), StandardCharsets.UTF_8));
        return new Figures(next(money), next(money));
    }

    private static long next(Matcher money) throws IOException {
        if (!money.find()) {
            throw new IOException("the overview has no credit and cost where they are looked for");
        }
        return Long.parseLong(money.group(1));
    }
}
