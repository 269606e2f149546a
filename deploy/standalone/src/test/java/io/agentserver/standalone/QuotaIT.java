package io.agentserver.standalone;

import io.agentserver.usage.UsageRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * 1,000 calls at once at four routers, for credit that is not enough for all of them: some are read to their end, some are left by
 * their clients, and the router of some is killed. Then Redis is emptied while 1,000 others run. What clients do follows from a
 * printed seed ({@code -Dquota.seed}); the interleaving is the machine's.
 */
class QuotaIT {
    private static final String TENANT = "quota";
    private static final long CREDIT = 5_000_000; // the plan's
    private static final int CALLS = 1_000;
    private static final int MOST_WORDS = 100;
    private static final long A_WORD = 100; // micro-USD
    private static final int KILLED = 1;
    private static final Duration LIMIT = Duration.ofSeconds(120);
    private static final Duration LEASE = LIMIT.plus(FourRouters.GRACE);
    private static final Duration LONG = Duration.ofSeconds(240);

    private final long seed =
            Long.getLong("quota.seed", RandomGenerator.getDefault().nextLong());
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(20))
            .build();

    /** What became of one call, as its client saw it. */
    private sealed interface End {
        /** @param words that it was told it pays */
        record Complete(UUID receipt, int words) implements End {}

        record Left(UUID receipt) implements End {}

        record Broken(UUID receipt) implements End {}

        record Refused(int status) implements End {}

        /** Without an answer: it may have begun or not. */
        record Unknown() implements End {}
    }

    @Test
    void nothing_is_overspent_or_left_held_whatever_happens_to_clients_routers_and_redis(@TempDir Path home)
            throws Exception {
        System.out.println("seed: -Dquota.seed=" + seed);
        Random random = new Random(seed);
        try (WordModel model = new WordModel();
                FourRouters platform = FourRouters.start(home, routes(model), http)) {
            String key = platform.makeTenant(TENANT, "default");
            platform.startRouters(key);
            awaitOpen(platform);

            List<End> killed = whenARouterIsKilled(platform, model, key, random);
            check(platform, killed);
            long spent = CREDIT - available(platform);

            platform.restart(KILLED);
            platform.awaitRouters(key);
            List<End> emptied = whenRedisIsEmptied(platform, model, key, random);
            check(platform, emptied);
            assertThat(CREDIT - available(platform)).as("spent").isGreaterThan(spent);
        }
    }

    private List<End> whenARouterIsKilled(FourRouters platform, WordModel model, String key, Random random)
            throws Exception {
        return race(platform, model, key, random, () -> platform.kill(KILLED));
    }

    private List<End> whenRedisIsEmptied(FourRouters platform, WordModel model, String key, Random random)
            throws Exception {
        return race(platform, model, key, random, () -> {
            Map<TopicPartition, Long> ends = platform.usageEnds();
            platform.redis().flushall();
            model.letGo(); // while it is closed
            awaitOpen(platform);
            Map<TopicPartition, Long> posted = platform.committed();
            ends.forEach((partition, end) -> assertThat(posted.getOrDefault(partition, 0L))
                    .as("posted of %s when it opened", partition)
                    .isGreaterThanOrEqualTo(end));
        });
    }

    private interface Trouble {
        void strike() throws Exception;
    }

    /** All begin and say a word, or are refused; then the trouble comes; then they go on. */
    private List<End> race(FourRouters platform, WordModel model, String key, Random random, Trouble trouble)
            throws Exception {
        model.hold();
        CountDownLatch begun = new CountDownLatch(CALLS);
        CountDownLatch struck = new CountDownLatch(1);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<End>> calls = new ArrayList<>();
            for (int i = 0; i < CALLS; i++) {
                int router = i % FourRouters.ROUTERS;
                int words = 1 + random.nextInt(MOST_WORDS);
                boolean leaves = random.nextInt(10) < 3;
                calls.add(clients.submit(() -> call(platform, router, key, words, leaves, begun, struck)));
            }
            begun.await();
            trouble.strike();
            struck.countDown();
            model.letGo();
            List<End> ends = new ArrayList<>();
            for (Future<End> call : calls) {
                ends.add(call.get());
            }
            return ends;
        } finally {
            struck.countDown();
            model.letGo();
        }
    }

    private End call(
            FourRouters platform,
            int router,
            String key,
            int words,
            boolean leaves,
            CountDownLatch begun,
            CountDownLatch struck)
            throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(platform.url(router, "/v1/chat/completions"))
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .header("Cache-Control", "no-store")
                .timeout(LONG)
                .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"words\",\"stream\":true,\"stream_options\":"
                        + "{\"include_usage\":true},\"max_tokens\":" + MOST_WORDS
                        + ",\"messages\":[{\"role\":\"user\",\"content\":\"words=" + words + "\"}]}"))
                .build();
        boolean counted = false;
        UUID receipt = null;
        try {
            HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                if (response.statusCode() != 200) {
                    return new End.Refused(response.statusCode());
                }
                receipt = UUID.fromString(
                        response.headers().firstValue("x-agentserver-receipt").orElseThrow());
                lines.readLine();
                counted = true;
                begun.countDown();
                struck.await();
                return leaves ? new End.Left(receipt) : readOn(lines, receipt);
            }
        } catch (IOException broken) {
            return receipt == null ? new End.Unknown() : new End.Broken(receipt);
        } finally {
            if (!counted) {
                begun.countDown();
            }
        }
    }

    private static End readOn(BufferedReader lines, UUID receipt) throws IOException {
        long cost = -1;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("data: [DONE]")) {
                return new End.Complete(receipt, (int) (cost / A_WORD));
            }
            if (line.startsWith("data: {") && line.contains("\"agentserver\"")) {
                cost = FourRouters.json(line.substring("data: ".length()))
                        .at("/agentserver/cost")
                        .asLong(-1);
            }
        }
        throw new IOException("the stream ended without its end");
    }

    /** When all is over, at the latest when the leases of the dead are. */
    private void check(FourRouters platform, List<End> ends) throws Exception {
        await("nothing is held or unposted")
                .atMost(LEASE.plus(LONG))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> platform.redis().hlen(key("holds")) == 0
                        && platform.redis().zcard(key("expiries")) == 0
                        && platform.redis().hlen(key("unposted")) == 0);
        Map<UUID, UsageRecord> usage = platform.usage();
        long spent =
                usage.values().stream().mapToLong(UsageRecord::priceMicrousd).sum();
        System.out.printf(
                "%d complete, %d left, %d broken, %d unknown, %d refused; %d records, %d micro-USD spent%n",
                count(ends, End.Complete.class),
                count(ends, End.Left.class),
                count(ends, End.Broken.class),
                count(ends, End.Unknown.class),
                count(ends, End.Refused.class),
                usage.size(),
                spent);
        assertThat(spent).as("spent of the credit").isLessThanOrEqualTo(CREDIT);
        assertThat(available(platform)).isEqualTo(CREDIT - spent);
        assertThat(platform.creditState(TENANT)).containsEntry("held", "0").containsEntry("unposted", "0");
        for (End end : ends) {
            switch (end) {
                case End.Complete(UUID receipt, int words) ->
                    assertThat(usage)
                            .hasEntrySatisfying(
                                    receipt,
                                    record -> assertThat(record.priceMicrousd()).isEqualTo(words * A_WORD));
                case End.Left(UUID receipt) -> assertThat(usage).containsKey(receipt);
                case End.Broken(UUID receipt) ->
                    assertThat(usage)
                            .hasEntrySatisfying(
                                    receipt,
                                    record -> assertThat(record.estimated()).isTrue());
                case End.Refused(int status) -> assertThat(status).isIn(402, 503);
                case End.Unknown unknown -> {}
            }
        }
        assertThat(ends).hasAtLeastOneElementOfType(End.Complete.class);
        assertThat(ends).hasAtLeastOneElementOfType(End.Left.class);
        assertThat(ends).hasAtLeastOneElementOfType(End.Refused.class);
    }

    private static long count(List<End> ends, Class<? extends End> kind) {
        return ends.stream().filter(kind::isInstance).count();
    }

    private static void awaitOpen(FourRouters platform) {
        await("credit is open")
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> platform.creditState(TENANT).containsKey("epoch"));
    }

    private static long available(FourRouters platform) {
        Map<String, String> state = platform.creditState(TENANT);
        return Long.parseLong(state.getOrDefault("balance", "0"))
                - Long.parseLong(state.getOrDefault("held", "0"))
                - Long.parseLong(state.getOrDefault("unposted", "0"));
    }

    private static String key(String name) {
        return "credit:{" + TENANT + "}:" + name;
    }

    private static String routes(WordModel model) {
        return """
                providers:
                  - {name: pool, url: "%s", max_concurrent: 4000, price: {input: 0, output: %d}}
                routes:
                  words: {chain: [pool/m], first_token: %3$ds, silence: %3$ds, total: %3$ds}
                """.formatted(model.url(), A_WORD * 1_000_000, LIMIT.toSeconds());
    }
}
