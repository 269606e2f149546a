package io.agentserver.loadtests;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * How fast a tenant's slots are backed up and deleted, and what another tenant notices of the deletion. In: a running platform
 * with a bucket, its operator's key, the buffer's management port. Out: one row of {@code docs/performance.md}. The tenant is made
 * for it and gone afterwards; the other is the platform's own, whose organism is replaced.
 */
final class ForgettingBench {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration AT_REST = Duration.ofSeconds(30);

    private final Settings settings;
    private final HttpClient http = HttpClient.newHttpClient();

    /**
     * @param metrics the buffer's management port's URL
     * @param conversations of the tenant that goes, two slots each
     * @param rate of the other's conversations a second
     */
    record Settings(String store, String flush, String metrics, int conversations, int rate, int seconds) {
        static Settings of(Options options) {
            options.only("store", "flush", "metrics", "conversations", "rate", "seconds");
            return new Settings(
                    options.text("store"),
                    options.text("flush"),
                    options.has("metrics") ? options.text("metrics") : "http://127.0.0.1:9082",
                    options.number("conversations", 20_000),
                    options.number("rate", 20),
                    options.number("seconds", 30));
        }
    }

    ForgettingBench(Settings settings) {
        this.settings = settings;
    }

    /** Of a number that grows and comes to rest. */
    private record Growth(double amount, Duration time) {
        double perSecond() {
            return amount / Math.max(1e-3, time.toNanos() / 1e9);
        }
    }

    private interface Amount {
        double now() throws IOException, InterruptedException;
    }

    void run() throws IOException, InterruptedException, ExecutionException {
        try (Platform own = Platform.find();
                Platform gone = own.newTenant();
                Conversations ofGone = new Conversations(gone);
                Conversations ofOwn = new Conversations(own)) {
            gone.activate(Conversations.organism(""));
            own.activate(Conversations.organism(""));
            new Load(ofGone).closedLoop(64, settings.conversations());
            Growth saved = growth(this::slotsSaved, AT_REST);
            Load other = new Load(ofOwn);
            Duration time = Duration.ofSeconds(settings.seconds());
            other.openLoop(settings.rate(), Duration.ofSeconds(10));
            Measured alone = other.openLoop(settings.rate(), time);
            String job = gone.delete();
            Measured beside;
            Growth deleted;
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<Growth> deletion =
                        threads.submit(() -> growth(() -> found(own.operatorsGet(job), "conversations"), AT_REST));
                beside = other.openLoop(settings.rate(), time);
                deleted = deletion.get();
            }
            print(saved, deleted, alone, beside);
        } finally {
            http.close();
        }
    }

    private void print(Growth saved, Growth deleted, Measured alone, Measured beside) {
        System.out.printf(
                Locale.ROOT,
                """

                | store | flush | slots | backed up: slots/s | deleted: entries of the stores/s | another tenant alone: rate | p50 | p99 | errors | beside the deletion: p50 | p99 | errors |
                |---|---|---|---|---|---|---|---|---|---|---|---|
                | %s | %s | %d | %.0f | %.0f | %d/s | %s | %s | %s | %s | %s | %s |
                """,
                settings.store(),
                settings.flush(),
                2 * settings.conversations(),
                saved.perSecond(),
                deleted.perSecond(),
                settings.rate(),
                alone.percentile(50),
                alone.percentile(99),
                alone.errorText(),
                beside.percentile(50),
                beside.percentile(99),
                beside.errorText());
    }

    /** From when it first grows to when it last did; the end is when it has not for {@code rest}. */
    private static Growth growth(Amount amount, Duration rest) throws IOException, InterruptedException {
        double first = amount.now();
        double last = first;
        long begun = System.nanoTime();
        long grew = begun;
        while (last == first || System.nanoTime() - grew < rest.toNanos()) {
            Thread.sleep(LOOK);
            double now = amount.now();
            if (now > last) {
                begun = last == first ? System.nanoTime() - LOOK.toNanos() : begun;
                grew = System.nanoTime();
                last = now;
            }
        }
        return new Growth(last - first, Duration.ofNanos(grew - begun));
    }

    private double slotsSaved() throws IOException, InterruptedException {
        HttpResponse<String> page = http.send(
                HttpRequest.newBuilder(URI.create(settings.metrics() + "/actuator/prometheus"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return page.body()
                .lines()
                .filter(line -> line.startsWith("agentserver_backup_slots_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new WrongArguments(
                        settings.metrics() + " tells of no backup: start the platform with AGENTSERVER_BACKUP_BUCKET"));
    }

    private static double found(String job, String store) {
        for (JsonNode each : JSON.readTree(job).path("stores").values()) {
            if (each.path("store").asString("").equals(store)) {
                return each.path("found").asDouble(0);
            }
        }
        throw new IllegalStateException(store + " is not in " + job);
    }
}
