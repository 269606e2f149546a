package io.agentserver.loadtests;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.util.Locale;

/**
 * How long the console takes for each of its pages, one request after the other over loopback: from the request to the last
 * byte of the answer, so with the stores' and the gateway's part. Signs in as the demo's owner; needs a platform of
 * {@code ./agentserver dev}.
 */
final class ConsoleBench {
    private static final String[] PAGES = {
        "overview", "conversations", "organism", "keys", "usage", "credit", "credit?show=all", "people"
    };
    private static final long MOST_MICROS = 60_000_000;

    private final Settings settings;

    record Settings(String url, int requests, int warmUp) {
        static Settings of(Options options) {
            options.only("url", "requests", "warm-up");
            return new Settings(
                    options.has("url") ? options.text("url") : DemoConsole.USUAL_URL,
                    options.number("requests", 1000),
                    options.number("warm-up", 500));
        }
    }

    ConsoleBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        try (DemoConsole console = DemoConsole.signIn(settings.url())) {
            System.out.printf("| page | bytes | p50 | p99 | most |%n|---|---|---|---|---|%n");
            for (String page : PAGES) {
                measure(console, page);
            }
        }
    }

    private void measure(DemoConsole console, String page) throws IOException, InterruptedException {
        Histogram micros = new Histogram(MOST_MICROS, 3);
        int bytes = 0;
        for (int i = 0; i < settings.warmUp() + settings.requests(); i++) {
            long begun = System.nanoTime();
            byte[] answer = console.page(page);
            long took = (System.nanoTime() - begun) / 1000;
            if (i >= settings.warmUp()) {
                micros.recordValue(Math.min(took, MOST_MICROS));
                bytes = answer.length;
            }
        }
        System.out.printf(
                Locale.ROOT,
                "| %s | %,d | %.1f ms | %.1f ms | %.1f ms |%n",
                page,
                bytes,
                micros.getValueAtPercentile(50) / 1000.0,
                micros.getValueAtPercentile(99) / 1000.0,
                micros.getMaxValue() / 1000.0);
    }
}
