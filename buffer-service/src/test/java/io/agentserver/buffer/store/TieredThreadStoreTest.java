package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

class TieredThreadStoreTest extends ThreadStoreContract {
    private static LocalRedis redisServer;
    private static LocalDynamo dynamoServer;
    private static TieredThreadStore store;
    private static RedisCommands<String, String> redis;

    @BeforeAll
    static void start(@TempDir Path directory) {
        redisServer = LocalRedis.start(directory, 0);
        dynamoServer = LocalDynamo.inMemory(0);
        store = open(redisServer);
        redis = RedisClient.create(redisServer.url()).connect().sync();
    }

    @AfterAll
    static void stop() {
        redis.getStatefulConnection().close();
        store.close();
        dynamoServer.close();
        redisServer.close();
    }

    @Override
    protected ThreadStore store() {
        return store;
    }

    @Override
    protected void expire(ConversationKey key) {
        redis.del(list(key));
    }

    @Test
    void serves_from_dynamodb_what_redis_holds_broken() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 2);
        redis.lset(list(key), 0, "no commit");
        assertThat(store.read(key, 1, Look.FAST)).isEqualTo(commits);
        assertThat(store.append(key, commit(3, "three"), 1)).isTrue();
        assertThat(store.read(key, 1, Look.FAST)).hasSize(3);
    }

    @Test
    void what_the_fast_store_throws_is_nobodys_failure() {
        ConversationKey key = conversation(TENANT);
        HotStore failing = (HotStore)
                Proxy.newProxyInstance(HotStore.class.getClassLoader(), new Class<?>[] {HotStore.class}, (p, m, a) -> {
                    throw new CancellationException("the connection was reset");
                });
        TieredThreadStore tiered = new TieredThreadStore(
                new MemoryThreadStore(RETENTION, Clock.systemUTC()), failing, CircuitBreaker.ofDefaults("redis"));
        assertThat(tiered.append(key, commit(1, "one"), 0)).isTrue();
        assertThat(tiered.read(key, 1, Look.FAST)).hasSize(1);
        assertThat(tiered.read(key, 1, Look.HOT)).isEmpty();
    }

    /** Redis is away for one process; another, which hears Redis well, is told when it is back. */
    @Test
    void what_redis_could_not_take_is_told_of_when_it_can() {
        CircuitBreaker breaker = CircuitBreaker.ofDefaults("redis");
        List<String> missed = new CopyOnWriteArrayList<>();
        store.onAppend(missing(missed));
        try (TieredThreadStore cutOff = open(redisServer, breaker)) {
            ConversationKey key = conversation(TENANT);
            breaker.transitionToForcedOpenState();
            assertThat(cutOff.append(key, commit(1, "one"), 0)).isTrue();
            assertThat(cutOff.append(
                            key, commit(2, "two").toBuilder().setStops(true).build(), 1))
                    .isTrue();
            cutOff.makeUp();
            assertThat(missed).isEmpty();
            breaker.transitionToClosedState();
            cutOff.makeUp();
            await().untilAsserted(() -> assertThat(missed).containsExactly(key + " stops true"));
            cutOff.makeUp();
            ConversationKey next = conversation(TENANT);
            assertThat(breaker.getState()).isEqualTo(CircuitBreaker.State.CLOSED);
            breaker.transitionToForcedOpenState();
            cutOff.append(next, commit(1, "one"), 0);
            breaker.transitionToClosedState();
            cutOff.makeUp();
            await().untilAsserted(() -> assertThat(missed).containsExactly(key + " stops true", next + " stops false"));
        }
    }

    @Test
    void what_has_no_place_in_redis_is_told_of_at_once() {
        ConversationKey key = conversation(TENANT);
        List<String> missed = new CopyOnWriteArrayList<>();
        store.onAppend(missing(missed));
        try (TieredThreadStore ofOldConversations = new TieredThreadStore(
                new UnreadableStore(),
                new RedisThreadStore(RedisConnections.open(redisServer.url()), RETENTION, Clock.systemUTC()),
                CircuitBreaker.ofDefaults("redis"))) {
            assertThat(ofOldConversations.append(key, commit(5, "Redis lacks what was before"), 1))
                    .isTrue();
            await().untilAsserted(() -> assertThat(missed).containsExactly(key + " stops false"));
        }
    }

    private static AppendListener missing(List<String> missed) {
        return new AppendListener() {
            @Override
            public void appended(ConversationKey key, long number, boolean stops) {}

            @Override
            public void missed(ConversationKey key, boolean stops) {
                missed.add(key + " stops " + stops);
            }
        };
    }

    /** A large conversation takes long; and what steps need of Redis must not be taken away for it. */
    @Test
    void pruning_opens_no_breaker() {
        HotStore refusing = (HotStore)
                Proxy.newProxyInstance(HotStore.class.getClassLoader(), new Class<?>[] {HotStore.class}, (p, m, a) -> {
                    throw new StoreUnavailableException("Redis", "told so");
                });
        CircuitBreaker breaker = CircuitBreaker.of(
                "redis", CircuitBreakerConfig.custom().minimumNumberOfCalls(3).build());
        TieredThreadStore tiered =
                new TieredThreadStore(new MemoryThreadStore(RETENTION, Clock.systemUTC()), refusing, breaker);
        Pruning all = new Pruning(0, 1, UnaryOperator.identity(), 0);
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> tiered.prune(conversation(TENANT), all))
                    .isInstanceOf(StoreUnavailableException.class);
        }
        assertThat(breaker.getState()).isEqualTo(CircuitBreaker.State.CLOSED);
        breaker.transitionToOpenState();
        assertThatThrownBy(() -> tiered.prune(conversation(TENANT), all)).isInstanceOf(StoreUnavailableException.class);
    }

    @Test
    void refills_a_redis_that_was_emptied() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 3);
        redis.del(list(key));
        assertThat(store.read(key, 1, Look.FAST)).isEqualTo(commits);
        assertThat(redis.llen(list(key))).isEqualTo(3);
    }

    @Test
    void refills_a_redis_that_lost_its_latest_writes_when_looked_at_closely() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 5);
        redis.ltrim(list(key), 0, 1);
        assertThat(store.read(key, 1, Look.FAST)).as("stale, and right").isEqualTo(commits.subList(0, 2));
        assertThat(store.read(key, 3, Look.CONSISTENT)).isEqualTo(commits.subList(2, 5));
        assertThat(store.read(key, 1, Look.FAST)).isEqualTo(commits);
    }

    @Test
    void a_look_at_the_hot_copy_asks_nobody_else() {
        ConversationKey key = conversation(TENANT);
        List<Commit> commits = append(key, 2);
        assertThat(store.read(key, 1, Look.HOT)).isEqualTo(commits);
        redis.del(list(key));
        assertThat(store.read(key, 1, Look.HOT)).isEmpty();
        assertThat(redis.exists(list(key))).as("not refilled").isZero();
    }

    @Test
    void refills_a_stale_redis_with_the_next_write() {
        ConversationKey key = conversation(TENANT);
        append(key, 4);
        redis.ltrim(list(key), 0, 0);
        assertThat(store.append(key, commit(3, "a stale writer's"), 1)).isFalse();
        long before = store.refills();
        assertThat(store.append(key, commit(5, "five"), 1)).isTrue();
        assertThat(redis.llen(list(key))).isEqualTo(5);
        assertThat(store.read(key, 1, Look.FAST)).hasSize(5);
        assertThat(store.refills()).isEqualTo(before + 1);
    }

    @Test
    void empties_a_redis_that_came_back_without_the_erasure() {
        ConversationKey key = conversation(TENANT);
        append(key, 3);
        Commit erasure = erasure(4);
        store.append(key, erasure, 1);
        store.erase(key, erasure);
        redis.del(list(key));
        redis.rpush(list(key), "one", "two"); // as a node has it that had lost its latest writes
        assertThat(store.read(key, 3, Look.CONSISTENT)).last().isEqualTo(erasure);
        assertThat(redis.lrange(list(key), 0, -2)).containsExactly("", "", "");
    }

    @Test
    void says_that_a_redis_that_is_away_may_still_hold_what_was_erased(@TempDir Path directory) {
        LocalRedis lost = LocalRedis.start(directory, 0);
        ConversationKey key = conversation(TENANT);
        try (TieredThreadStore lonely = open(lost)) {
            lonely.append(key, commit(1, "one"), 0);
            ProcessHandle.of(lost.pid()).orElseThrow().destroyForcibly();
            lost.close();
            Commit erasure = erasure(2);
            assertThat(lonely.append(key, erasure, 1)).isTrue();
            assertThat(lonely.erase(key, erasure)).isFalse();
            assertThat(lonely.read(key, 1, Look.CONSISTENT)).last().isEqualTo(erasure);
        }
    }

    private static Commit erasure(long number) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(System.currentTimeMillis())
                .addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()))
                .build();
    }

    @Test
    void serves_without_redis_and_uses_it_again_when_it_is_back(@TempDir Path directory) {
        LocalRedis lost = LocalRedis.start(directory, 0);
        ConversationKey key = conversation(TENANT);
        try (TieredThreadStore lonely = open(lost)) {
            assertThat(lonely.append(key, commit(1, "one"), 0)).isTrue();
            ProcessHandle.of(lost.pid()).orElseThrow().destroyForcibly();
            lost.close();
            for (int number = 2; number <= 20; number++) {
                assertThat(lonely.append(key, commit(number, "without redis"), 1))
                        .isTrue();
                assertThat(lonely.read(key, number, Look.FAST)).hasSizeLessThanOrEqualTo(1);
                assertThat(lonely.read(key, 1, Look.CONSISTENT)).hasSize(number);
            }
            lonely.check();
            try (LocalRedis back = LocalRedis.start(directory, lost.port());
                    RedisClient client = RedisClient.create(back.url())) {
                RedisCommands<String, String> commands = client.connect().sync();
                await().untilAsserted(() -> {
                    assertThat(lonely.read(key, 1, Look.CONSISTENT)).hasSize(20);
                    assertThat(commands.llen(list(key))).isEqualTo(20);
                });
            }
        }
    }

    @Test
    void a_redis_that_stands_still_makes_no_error_and_is_used_again_when_it_goes_on(@TempDir Path directory)
            throws Exception {
        try (LocalRedis stopped = LocalRedis.start(directory, 0);
                TieredThreadStore lonely = open(stopped);
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<ConversationKey> keys =
                    IntStream.range(0, 200).mapToObj(i -> conversation(TENANT)).toList();
            keys.forEach(key -> lonely.append(key, commit(1, "one"), 0));
            signal(stopped, "STOP");
            try {
                List<Future<Boolean>> appended = keys.stream()
                        .map(key -> callers.submit(() -> lonely.append(key, commit(2, "two"), 1)))
                        .toList();
                for (Future<Boolean> each : appended) {
                    assertThat(each.get()).isTrue();
                }
                assertThat(keys)
                        .allSatisfy(key ->
                                assertThat(lonely.read(key, 1, Look.FAST)).hasSize(2));
            } finally {
                signal(stopped, "CONT");
            }
            try (RedisClient client = RedisClient.create(stopped.url())) {
                RedisCommands<String, String> commands = client.connect().sync();
                await().untilAsserted(() -> assertThat(keys).allSatisfy(key -> {
                    assertThat(lonely.read(key, 1, Look.CONSISTENT)).hasSize(2);
                    assertThat(commands.llen(list(key))).isEqualTo(2);
                }));
            }
        }
    }

    private static void signal(LocalRedis server, String signal) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(server.pid()))
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
    }

    @Test
    void no_more_calls_wait_for_redis_than_are_allowed() throws Exception {
        CountDownLatch answer = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        HotStore silent = (HotStore)
                Proxy.newProxyInstance(HotStore.class.getClassLoader(), new Class<?>[] {HotStore.class}, (p, m, a) -> {
                    asked.incrementAndGet();
                    answer.await();
                    return m.getReturnType() == long.class ? 0L : List.of();
                });
        TieredThreadStore tiered = new TieredThreadStore(
                new MemoryThreadStore(RETENTION, Clock.systemUTC()), silent, CircuitBreaker.ofDefaults("redis"));
        ConversationKey key = conversation(TENANT);
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < TieredThreadStore.MOST_WAITING; i++) {
                callers.execute(() -> tiered.read(key, 1, Look.HOT));
            }
            await().until(() -> asked.get() == TieredThreadStore.MOST_WAITING);
            assertThat(tiered.append(conversation(TENANT), commit(1, "one"), 0))
                    .as("served without it, at once")
                    .isTrue();
            assertThat(asked).hasValue(TieredThreadStore.MOST_WAITING);
            answer.countDown();
        }
    }

    @Test
    void does_not_blame_redis_for_a_dynamodb_that_cannot_refill_it() {
        ConversationKey key = conversation(TENANT);
        CircuitBreaker breaker = CircuitBreaker.of(
                "redis", CircuitBreakerConfig.custom().minimumNumberOfCalls(1).build());
        RedisThreadStore hot =
                new RedisThreadStore(RedisConnections.open(redisServer.url()), RETENTION, Clock.systemUTC());
        try (TieredThreadStore tiered = new TieredThreadStore(new UnreadableStore(), hot, breaker)) {
            assertThat(tiered.append(key, commit(5, "Redis lacks what was before"), 1))
                    .isTrue();
        }
        assertThat(breaker.getState()).isEqualTo(CircuitBreaker.State.CLOSED);
        assertThat(breaker.getMetrics().getNumberOfFailedCalls()).isZero();
    }

    /** Takes every commit and cannot be read. */
    private static final class UnreadableStore implements ThreadStore {
        @Override
        public List<Commit> read(ConversationKey key, long number, Look look) {
            throw new StoreUnavailableException("DynamoDB", new IllegalStateException("told so"));
        }

        @Override
        public Optional<Commit> last(ConversationKey key) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
            return true;
        }

        @Override
        public boolean erase(ConversationKey key, Commit erasure) {
            return true;
        }

        @Override
        public RecentConversations recent(
                TenantId tenant,
                RecentConversations.Order order,
                int limit,
                Optional<RecentConversations.Recent> from) {
            return new RecentConversations(List.of(), Optional.empty());
        }

        @Override
        public void each(Consumer<ConversationKey> taker) {}

        @Override
        public void onAppend(AppendListener listener) {}

        @Override
        public void check() {}

        @Override
        public void close() {}
    }

    private static TieredThreadStore open(LocalRedis server) {
        return open(
                server,
                CircuitBreaker.of(
                        "redis",
                        CircuitBreakerConfig.custom()
                                .slidingWindowSize(10)
                                .minimumNumberOfCalls(3)
                                .waitDurationInOpenState(Duration.ofMillis(200))
                                .build()));
    }

    private static TieredThreadStore open(LocalRedis server, CircuitBreaker breaker) {
        Clock clock = Clock.systemUTC();
        return new TieredThreadStore(
                new DynamoThreadStore(
                        DynamoConnection.open(dynamoServer.endpoint().toString()), RETENTION, clock),
                new RedisThreadStore(RedisConnections.open(server.url()), RETENTION, clock),
                breaker);
    }

    private static String list(ConversationKey key) {
        return "thread:" + key.tenant() + ":{" + key.conversation() + "}:commits";
    }
}
