package io.agentserver.loadtests;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long the console takes for each of its pages, one request after the other over loopback: from the request to the last
 * byte of the answer, so with the stores' and the gateway's part. Signs in as the demo's owner; needs a platform of
 * {@code ./agentserver dev}.
 */
final class ConsoleBench {
    private static final String[] PAGES = {
        "overview", "conversations", "organism", "keys", "usage", "credit", "credit?show=all", "people"
    };
    private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");
    private static final long MOST_MICROS = 60_000_000;

    private final Settings settings;

    record Settings(String url, int requests, int warmUp) {
        static Settings of(Options options) {
            options.only("url", "requests", "warm-up");
            return new Settings(
                    options.has("url") ? options.text("url") : "http://127.0.0.1:8084/console",
                    options.number("requests", 1000),
                    options.number("warm-up", 500));
        }
    }

    ConsoleBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .cookieHandler(new CookieManager())
                .build()) {
            signIn(http);
            System.out.printf("| page | bytes | p50 | p99 | most |%n|---|---|---|---|---|%n");
            for (String page : PAGES) {
                measure(http, page);
            }
        }
    }

    private void measure(HttpClient http, String page) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(settings.url() + "/demo/" + page))
                .build();
        Histogram micros = new Histogram(MOST_MICROS, 3);
        int bytes = 0;
        for (int i = 0; i < settings.warmUp() + settings.requests(); i++) {
            long begun = System.nanoTime();
            HttpResponse<byte[]> answer = http.send(request, BodyHandlers.ofByteArray());
            long took = (System.nanoTime() - begun) / 1000;
            if (answer.statusCode() != 200) {
                throw new IOException("/demo/" + page + " answered " + answer.statusCode());
            }
            if (i >= settings.warmUp()) {
                micros.recordValue(Math.min(took, MOST_MICROS));
                bytes = answer.body().length;
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

    private void signIn(HttpClient http) throws IOException, InterruptedException {
        String page = http.send(
                        HttpRequest.newBuilder(URI.create(settings.url() + "/sign-in"))
                                .build(),
                        BodyHandlers.ofString())
                .body();
        Matcher token = TOKEN.matcher(page);
        if (!token.find()) {
            throw new WrongArguments(settings.url() + " has no demo sign-in: start ./agentserver dev");
        }
        HttpResponse<Void> in = http.send(
                HttpRequest.newBuilder(URI.create(settings.url() + "/sign-in/demo"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString("role=owner&_csrf=" + token.group(1)))
                        .build(),
                BodyHandlers.discarding());
        if (in.statusCode() != 302) {
            throw new IOException("the sign-in answered " + in.statusCode());
        }
    }
}
