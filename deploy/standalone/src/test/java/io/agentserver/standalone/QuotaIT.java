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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * 1,000 calls at once at four routers, for credit that is not enough for all of them: as many begin as there is credit for what
 * each may cost, no more and no fewer. Some are read to their end, some are left by
 * their clients, and the router of some is killed. While its holds wait for their end two other tenants find their limits. Then Redis is
 * emptied while calls run, some have just ended and some end, and 1,000 others come. What clients do follows from a
 * printed seed ({@code -Dquota.seed}); the interleaving is the machine's.
 */
class QuotaIT {
    private static final String TENANT = "quota";
    private static final String LIMITED = "limited";
    private static final String SHADOWED = "shadowed";
    private static final long CREDIT = 5_000_000; // the plan's
    private static final int CALLS = 1_000;
    private static final int MOST_WORDS = 100;
    private static final long A_WORD = 100; // micro-USD
    private static final int REQUESTS = 100; // a minute, of those with limits
    private static final int TOKENS = 20_000;
    private static final int AT_ONCE = 20;
    private static final int KILLED = 1;
    private static final Duration LIMIT = Duration.ofSeconds(100);
    private static final Duration LEASE = LIMIT.plus(FourRouters.GRACE);
    private static final Duration LONG = Duration.ofSeconds(240);

    private final long seed =
            Long.getLong("quota.seed", RandomGenerator.getDefault().nextLong());
    private final Random random = new Random(seed);
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(20))
            .build();

    /** What became of one call, as its client saw it. */
    private sealed interface End {
        /** @param cost that it was told it pays */
        record Complete(UUID receipt, int words, long cost) implements End {}

        record Left(UUID receipt) implements End {}

        record Broken(UUID receipt) implements End {}

        record Refused(int status, String body, long retryAfter) implements End {
            boolean isOver(String limit) {
                return status == 429 && body.contains(limit);
            }
        }

        /** Without an answer: it may have begun or not. */
        record Unknown(int router) implements End {}
    }

    @Test
    void nothing_is_overspent_or_left_held_whatever_happens_to_clients_routers_and_redis(@TempDir Path home)
            throws Exception {
        System.out.println("seed: -Dquota.seed=" + seed);
        try (WordModel model = new WordModel();
                FourRouters platform = FourRouters.start(home, routes(model), http)) {
            String key = platform.makeTenant(TENANT, "default");
            String limited = platform.makeTenant(LIMITED, "default");
            String shadowed = platform.makeTenant(SHADOWED, "default");
            platform.limit(LIMITED, limits(false));
            platform.limit(SHADOWED, limits(true));
            platform.startRouters(key);
            for (String tenant : List.of(TENANT, LIMITED, SHADOWED)) {
                awaitOpen(platform, tenant);
            }

            long spent = whenARouterIsKilled(platform, model, key, () -> {
                platform.restart(KILLED);
                platform.awaitRouters(key);
                limitsAreThoseOfAllRoutersTogether(platform, model, limited);
                limitsInShadowRefuseNothingAndCountAll(platform, model, shadowed);
            });
            assertThat(whenRedisIsEmptied(platform, model, key)).as("spent").isGreaterThan(spent);
        }
    }

    private interface Meanwhile {
        void run() throws Exception;
    }

    private long whenARouterIsKilled(FourRouters platform, WordModel model, String key, Meanwhile meanwhile)
            throws Exception {
        List<End> ends;
        Map<UUID, UsageRecord> ofTheDead;
        long sinceReserved;
        try (Race race = new Race(platform, model, key, MOST_WORDS, CALLS, true)) {
            race.awaitBegun();
            sinceReserved = System.nanoTime();
            assertIsSpentToTheLastHold(platform, race, CREDIT);
            ofTheDead = holds(platform);
            ofTheDead.keySet().removeIf(receipt -> race.routerOf(receipt) != KILLED);
            platform.kill(KILLED);
            ends = race.goOn();
        }
        meanwhile.run();
        Duration left = LEASE.plusSeconds(20).minusNanos(System.nanoTime() - sinceReserved);
        await("nothing is held a little after the leases of the dead")
                .atMost(left.toSeconds() < 5 ? Duration.ofSeconds(5) : left)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> platform.redis().hlen(key(TENANT, "holds")) == 0
                        && platform.redis().zcard(key(TENANT, "expiries")) == 0);
        Map<UUID, UsageRecord> usage = check(platform, ends);
        assertThat(ofTheDead).as("calls of the killed router").isNotEmpty();
        ofTheDead.forEach((receipt, held) -> assertThat(usage.get(receipt))
                .as("what becomes of a hold whose router is dead")
                .isEqualTo(held));
        assertThat(usage.values())
                .filteredOn(record -> record.estimated() && record.priceMicrousd() == priceOfOne(ofTheDead))
                .as("nobody else pays what was held")
                .hasSameSizeAs(ofTheDead.values());
        assertThat(ends)
                .filteredOn(End.Refused.class::isInstance)
                .as("there was credit for the others, and Redis to say so")
                .allSatisfy(end -> assertThat(((End.Refused) end).status()).isEqualTo(402));
        assertThat(ends).hasAtLeastOneElementOfType(End.Complete.class).hasAtLeastOneElementOfType(End.Left.class);
        return CREDIT - available(platform);
    }

    /** As many have begun as there was credit for, by what each of them may cost. */
    private void assertIsSpentToTheLastHold(FourRouters platform, Race race, long credit) {
        Map<UUID, UsageRecord> holds = holds(platform);
        long one = priceOfOne(holds);
        assertThat(holds.values()).allSatisfy(held -> {
            assertThat(held.priceMicrousd()).as("what each may cost").isEqualTo(one);
            assertThat(held.inputTokens()).as("its prompt").isPositive();
        });
        assertThat(one)
                .isEqualTo(
                        MOST_WORDS * A_WORD + holds.values().iterator().next().inputTokens());
        assertThat((long) race.begun()).as("calls that have begun").isEqualTo(credit / one);
        assertThat(holds.keySet()).containsAll(race.receipts());
        assertThat(available(platform)).isBetween(0L, one - 1);
    }

    /**
     * Billing stands still while some calls end whose cost it has not seen, then Redis is emptied, then some end before their routers
     * have seen that. Credit is closed until all of it is posted, and then as much is left as nobody has spent or holds.
     */
    private long whenRedisIsEmptied(FourRouters platform, WordModel model, String key) throws Exception {
        List<End> ends = new ArrayList<>();
        long left = available(platform);
        try (Race race = new Race(platform, model, key, MOST_WORDS, CALLS, true)) {
            race.awaitBegun();
            assertIsSpentToTheLastHold(platform, race, left);
            long one = priceOfOne(holds(platform));
            int some = race.begun() / 3;

            platform.pauseBilling();
            long records = records(platform);
            model.letGo(some);
            await("their records are on the log").atMost(LONG).until(() -> records(platform) == records + some);
            Map<TopicPartition, Long> unposted = platform.usageEnds();
            assertThat(isPosted(platform, unposted)).isFalse();
            platform.redis().flushall();
            model.letGo(some);
            await("so are those").atMost(LONG).until(() -> records(platform) == records + 2L * some);
            Race early = new Race(platform, model, key, MOST_WORDS, FourRouters.ROUTERS, false);
            early.awaitBegun(); // it is not closed: that would let all others go on
            assertThat(early.begun()).as("it is closed until that is posted").isZero();
            assertThat(early.ends())
                    .allSatisfy(end -> assertThat(end)
                            .isInstanceOfSatisfying(
                                    End.Refused.class,
                                    refused -> assertThat(refused.status()).isEqualTo(503)));
            platform.resumeBilling();
            awaitOpen(platform, TENANT);
            assertThat(isPosted(platform, unposted)).as("posted when it opened").isTrue();
            awaitOpened(platform);

            int running = race.begun() - 2 * some;
            long spent = platform.usage().values().stream()
                    .filter(record -> record.tenant().equals(TENANT))
                    .mapToLong(UsageRecord::priceMicrousd)
                    .sum();
            try (Race more = new Race(platform, model, key, MOST_WORDS, CALLS, true)) {
                more.awaitBegun();
                assertThat(holds(platform))
                        .as("those that still run and those that have begun")
                        .hasSize(running + more.begun());
                assertIsSpentToTheLastHold(platform, more, CREDIT - spent - running * one);
                ends.addAll(race.goOn());
                ends.addAll(more.goOn());
            }
        }
        await("nothing is held")
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> platform.redis().hlen(key(TENANT, "holds")) == 0
                        && platform.redis().zcard(key(TENANT, "expiries")) == 0);
        check(platform, ends);
        return CREDIT - available(platform);
    }

    /** Not limit × routers. */
    private void limitsAreThoseOfAllRoutersTogether(FourRouters platform, WordModel model, String key)
            throws Exception {
        long begin = System.nanoTime();
        int begun;
        try (Race race = new Race(platform, model, key, 1, CALLS, false)) {
            race.awaitBegun();
            begun = race.begun();
            assertThat(begun).as("calls at once").isEqualTo(AT_ONCE);
            assertThat(race.goOn())
                    .filteredOn(End.Refused.class::isInstance)
                    .hasSize(CALLS - AT_ONCE)
                    .allMatch(end -> ((End.Refused) end).isOver("run as may at once"));
        }
        List<End> refused = new ArrayList<>();
        List<End> round;
        do { // there are places again and again until the minute's requests are used up
            try (Race race = new Race(platform, model, key, 1, 2 * AT_ONCE, false)) {
                round = race.goOn();
            }
            begun += (int) count(round, End.Complete.class);
            round.stream().filter(End.Refused.class::isInstance).forEach(refused::add);
        } while (round.stream().anyMatch(End.Complete.class::isInstance));
        long minutes = 1 + Duration.ofNanos(System.nanoTime() - begin).toMinutes();
        assertThat((long) begun).as("requests").isBetween((long) REQUESTS, minutes * REQUESTS);
        assertThat(refused).anyMatch(end -> ((End.Refused) end).isOver(REQUESTS + " requests a minute"));
        assertThat(refused)
                .allSatisfy(end -> assertThat(((End.Refused) end).retryAfter()).isBetween(1L, 60L));
    }

    private void limitsInShadowRefuseNothingAndCountAll(FourRouters platform, WordModel model, String key)
            throws Exception {
        int words = 49; // there is credit for all of them
        try (Race race = new Race(platform, model, key, words, CALLS, false)) {
            race.awaitBegun();
            assertThat(race.begun()).isEqualTo(CALLS);
            UsageRecord one = holds(platform, SHADOWED).values().iterator().next();
            assertThat(overInShadow(platform, "concurrency")).isEqualTo(CALLS - AT_ONCE);
            assertThat(overInShadow(platform, "requests")).isEqualTo(CALLS - REQUESTS);
            assertThat(overInShadow(platform, "tokens"))
                    .isEqualTo(CALLS - TOKENS / (one.inputTokens() + one.outputTokens()));
            race.goOn();
        }
    }

    private static long overInShadow(FourRouters platform, String limit) throws Exception {
        return platform.counted(
                "agentserver_llm_limited_total{limit=\"" + limit + "\",shadow=\"true\",tenant=\"" + SHADOWED + "\"}");
    }

    private static String limits(boolean shadow) {
        return "{\"requests_per_minute\":" + REQUESTS + ",\"tokens_per_minute\":" + TOKENS + ",\"concurrent\":"
                + AT_ONCE + ",\"shadow\":" + shadow + "}";
    }

    /** Calls, one after the other at each of the routers, that the model holds after their first word until they may go on. */
    private final class Race implements AutoCloseable {
        private final WordModel model;
        private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
        private final CountDownLatch begun;
        private final CountDownLatch mayGoOn = new CountDownLatch(1);
        private final Map<UUID, Integer> routers = new ConcurrentHashMap<>();
        private final List<Future<End>> calls = new ArrayList<>();

        /** @param leave whether some of their clients leave after the first word */
        Race(FourRouters platform, WordModel model, String key, int mostWords, int number, boolean leave) {
            this.model = model;
            this.begun = new CountDownLatch(number);
            model.hold();
            for (int i = 0; i < number; i++) {
                int router = i % FourRouters.ROUTERS;
                // less than it may: so no other call costs as much as is held
                int words = mostWords == 1 ? 1 : 1 + random.nextInt(mostWords - 1);
                boolean leaves = leave && random.nextInt(10) < 3;
                calls.add(clients.submit(() -> call(platform, router, key, mostWords, words, leaves)));
            }
        }

        /** All have said a word, or are refused. */
        void awaitBegun() throws InterruptedException {
            begun.await();
        }

        int begun() {
            return routers.size();
        }

        Set<UUID> receipts() {
            return routers.keySet();
        }

        int routerOf(UUID receipt) {
            return routers.getOrDefault(receipt, -1);
        }

        List<End> goOn() throws Exception {
            mayGoOn.countDown();
            model.letGo();
            return ends();
        }

        List<End> ends() throws Exception {
            List<End> ends = new ArrayList<>();
            for (Future<End> call : calls) {
                ends.add(call.get());
            }
            return ends;
        }

        @Override
        public void close() {
            mayGoOn.countDown();
            model.letGo();
            clients.close();
        }

        private End call(FourRouters platform, int router, String key, int mostWords, int words, boolean leaves)
                throws InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(platform.url(router, "/v1/chat/completions"))
                    .header("Authorization", "Bearer " + key)
                    .header("Content-Type", "application/json")
                    .header("Cache-Control", "no-store")
                    .timeout(LONG)
                    .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"words\",\"stream\":true,\"stream_options\":"
                            + "{\"include_usage\":true},\"max_tokens\":" + mostWords
                            + ",\"messages\":[{\"role\":\"user\",\"content\":\"words=" + words + "\"}]}"))
                    .build();
            boolean counted = false;
            UUID receipt = null;
            try {
                HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
                try (BufferedReader lines =
                        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                    if (response.statusCode() != 200) {
                        return new End.Refused(
                                response.statusCode(),
                                lines.lines().collect(Collectors.joining()),
                                response.headers()
                                        .firstValueAsLong("Retry-After")
                                        .orElse(-1));
                    }
                    receipt = UUID.fromString(response.headers()
                            .firstValue("x-agentserver-receipt")
                            .orElseThrow());
                    lines.readLine();
                    routers.put(receipt, router);
                    counted = true;
                    begun.countDown();
                    mayGoOn.await();
                    return leaves ? new End.Left(receipt) : readOn(lines, receipt, words);
                }
            } catch (IOException broken) {
                return receipt == null ? new End.Unknown(router) : new End.Broken(receipt);
            } finally {
                if (!counted) {
                    begun.countDown();
                }
            }
        }
    }

    private static End readOn(BufferedReader lines, UUID receipt, int words) throws IOException {
        long cost = -1;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("data: [DONE]")) {
                return new End.Complete(receipt, words, cost);
            }
            if (line.startsWith("data: {") && line.contains("\"agentserver\"")) {
                cost = FourRouters.json(line.substring("data: ".length()))
                        .at("/agentserver/cost")
                        .asLong(-1);
            }
        }
        throw new IOException("the stream ended without its end");
    }

    /** When all is over. */
    private Map<UUID, UsageRecord> check(FourRouters platform, List<End> ends) throws Exception {
        await("all is posted")
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> platform.redis().hlen(key(TENANT, "unposted")) == 0);
        Map<UUID, UsageRecord> usage = new HashMap<>(platform.usage());
        usage.values().removeIf(record -> !record.tenant().equals(TENANT));
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
                case End.Complete(UUID receipt, int words, long cost) -> {
                    assertThat(cost).isEqualTo(words * A_WORD + WordModel.INPUT);
                    assertThat(usage)
                            .hasEntrySatisfying(
                                    receipt,
                                    record -> assertThat(record.priceMicrousd()).isEqualTo(cost));
                }
                case End.Left(UUID receipt) -> assertThat(usage).containsKey(receipt);
                case End.Broken(UUID receipt) ->
                    assertThat(usage)
                            .hasEntrySatisfying(
                                    receipt,
                                    record -> assertThat(record.estimated()).isTrue());
                case End.Refused refused -> assertThat(refused.status()).isIn(402, 503);
                case End.Unknown(int router) -> assertThat(router).isEqualTo(KILLED);
            }
        }
        assertThat(ends).hasAtLeastOneElementOfType(End.Refused.class);
        return usage;
    }

    private static long count(List<End> ends, Class<? extends End> kind) {
        return ends.stream().filter(kind::isInstance).count();
    }

    /** What is held, as the records that it becomes if nobody ends it. */
    private static Map<UUID, UsageRecord> holds(FourRouters platform) {
        return holds(platform, TENANT);
    }

    private static Map<UUID, UsageRecord> holds(FourRouters platform, String tenant) {
        Map<UUID, UsageRecord> holds = new HashMap<>();
        platform.redis().hgetall(key(tenant, "holds")).forEach((receipt, hold) -> {
            String[] parts = hold.split(" ", 3); // amount, owner, details
            UsageRecord record = UsageRecord.ofJson(parts[2].getBytes(StandardCharsets.UTF_8));
            assertThat(record.priceMicrousd()).isEqualTo(Long.parseLong(parts[0]));
            holds.put(UUID.fromString(receipt), record);
        });
        return holds;
    }

    private static long priceOfOne(Map<UUID, UsageRecord> holds) {
        return holds.values().iterator().next().priceMicrousd();
    }

    private static long records(FourRouters platform) throws Exception {
        return platform.usageEnds().values().stream().mapToLong(Long::longValue).sum();
    }

    private static boolean isPosted(FourRouters platform, Map<TopicPartition, Long> ends) throws Exception {
        Map<TopicPartition, Long> posted = platform.committed();
        return ends.entrySet().stream().allMatch(end -> posted.getOrDefault(end.getKey(), 0L) >= end.getValue());
    }

    private static void awaitOpen(FourRouters platform, String tenant) {
        await("credit is open")
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> platform.creditState(tenant).containsKey("epoch"));
    }

    /** It is open when its routers have had time to put their holds back. */
    private static void awaitOpened(FourRouters platform) {
        await("credit has opened")
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    long opens = Long.parseLong(platform.creditState(TENANT).getOrDefault("opens", "0"));
                    return Long.parseLong(platform.redis().time().getFirst()) * 1_000 > opens;
                });
    }

    private static long available(FourRouters platform) {
        Map<String, String> state = platform.creditState(TENANT);
        return Long.parseLong(state.getOrDefault("balance", "0"))
                - Long.parseLong(state.getOrDefault("held", "0"))
                - Long.parseLong(state.getOrDefault("unposted", "0"));
    }

    private static String key(String tenant, String name) {
        return "credit:{" + tenant + "}:" + name;
    }

    private static String routes(WordModel model) {
        return """
                providers:
                  - {name: pool, url: "%s", max_concurrent: 4000, price: {input: 1000000, output: %d}}
                routes:
                  words: {chain: [pool/m], first_token: %3$ds, silence: %3$ds, total: %3$ds}
                """.formatted(model.url(), A_WORD * 1_000_000, LIMIT.toSeconds());
    }
}
