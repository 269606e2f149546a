package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoDueStore;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.LeaseScript;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisDueStore;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.LongStream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** A Redis that is there, can be read, and takes no writes. */
class RefusingRedisTest {
    private static final Duration TTL = Duration.ofHours(24);

    private static LocalDynamo dynamoServer;

    private final TestClock clock = new TestClock(Conversing.START);
    private LocalRedis server;
    private RedisClient client;
    private RedisCommands<String, String> redis;
    private DynamoDbClient dynamo;
    private RedisConnections connections;
    private TieredThreadStore store;

    /** Why. */
    enum Refusal {
        OOM("maxmemory", "1", "0"),
        NOREPLICAS("min-replicas-to-write", "1", "0"),
        /** It was a primary, and what it is a replica of now is out of reach. */
        READONLY("", "", ""),
        /** It cannot write its snapshot, as with a full disk. */
        MISCONF("", "", "");

        private final String setting;
        private final String refusing;
        private final String well;

        Refusal(String setting, String refusing, String well) {
            this.setting = setting;
            this.refusing = refusing;
            this.well = well;
        }

        void begin(RedisCommands<String, String> redis) {
            switch (this) {
                case READONLY -> redis.replicaof("127.0.0.1", FreePorts.take());
                case MISCONF -> failToSave(redis);
                case OOM, NOREPLICAS -> redis.configSet(setting, refusing);
            }
            assertThatThrownBy(() -> redis.set("refused", "yes")).hasMessageStartingWith(name());
        }

        void end(RedisCommands<String, String> redis) {
            switch (this) {
                case READONLY -> redis.replicaofNoOne();
                case MISCONF -> save(redis);
                case OOM, NOREPLICAS -> redis.configSet(setting, well);
            }
        }

        private static void failToSave(RedisCommands<String, String> redis) {
            redis.configSet("save", "3600 1"); // else nobody expects a snapshot
            try {
                Files.createDirectory(snapshot(redis)); // where the file is to go
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            save(redis, "err");
        }

        private static void save(RedisCommands<String, String> redis) {
            try {
                Files.delete(snapshot(redis));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            save(redis, "ok");
        }

        private static void save(RedisCommands<String, String> redis, String status) {
            redis.bgsave();
            await().until(() -> redis.info("persistence").contains("rdb_last_bgsave_status:" + status));
        }

        private static Path snapshot(RedisCommands<String, String> redis) {
            return Path.of(requireNonNull(redis.configGet("dir").get("dir")), "dump.rdb");
        }
    }

    @BeforeAll
    static void startDynamo() {
        dynamoServer = LocalDynamo.inMemory(0);
    }

    @AfterAll
    static void stopDynamo() {
        dynamoServer.close();
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        client = RedisClient.create(server.url());
        redis = client.connect().sync();
        dynamo = DynamoConnection.open(dynamoServer.endpoint().toString());
        connections = RedisConnections.open(server.url());
        store = new TieredThreadStore(
                new DynamoThreadStore(dynamo, Retention.ofAll(TTL), clock),
                new RedisThreadStore(RedisConnections.open(server.url()), Retention.ofAll(TTL), clock),
                CircuitBreaker.of(
                        "redis",
                        CircuitBreakerConfig.custom()
                                .slidingWindowSize(10)
                                .minimumNumberOfCalls(3)
                                .waitDurationInOpenState(Duration.ofMillis(200))
                                .build()));
    }

    @AfterEach
    void stop() {
        store.close();
        connections.close();
        client.shutdown();
        server.close();
    }

    @ParameterizedTest
    @EnumSource
    void conversations_go_on_from_dynamodb_and_redis_has_them_whole_when_it_takes_writes_again(Refusal refusal) {
        Conversing talk = new Conversing(store);
        turn(talk, talk.journal, talk.first);
        long before = redis.llen(list(talk));
        refusal.begin(redis);
        Conversing young = new Conversing(store);
        turn(young, young.journal, young.first);
        List<ConversationJournal> processes = List.of(talk.journal, talk.process(), talk.process());
        for (int i = 0; i < 12; i++) {
            turn(talk, processes.get(i % processes.size()), talk.clientMessage());
        }

        assertThat(redis.llen(list(talk))).as("it took none").isEqualTo(before);
        assertThat(redis.exists(list(young))).isZero();
        List<Slot> slots = slots(talk);
        assertThat(slots)
                .extracting(Slot::getSequence)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 26).boxed().toList());
        assertThat(slots(young)).hasSize(2);
        store.check();

        refusal.end(redis);
        await().untilAsserted(() -> {
            turn(talk, talk.journal, talk.clientMessage());
            turn(young, young.journal, young.clientMessage());
            assertThat(redis.llen(list(talk))).isEqualTo(talk.state().number());
            assertThat(redis.llen(list(young))).isEqualTo(young.state().number());
        });
        assertThat(store.read(talk.key, 1, Look.HOT)).isEqualTo(store.read(talk.key, 1, Look.CONSISTENT));
    }

    @ParameterizedTest
    @EnumSource
    void what_is_due_is_kept_and_handed_out_all_the_same(Refusal refusal) {
        DueStore due = new DynamoDueStore(dynamo, "due");
        Conversing talk = new Conversing(store);
        ConversationJournal journal = talk.process(due);
        refusal.begin(redis);
        assertThat(journal.begin(talk.key, talk.beginning(talk.first).build()).getVerdict())
                .isEqualTo(Verdict.RUN);
        assertThat(journal.park(talk.key, parking(talk.first)).getOutcome()).isEqualTo(Outcome.ACCEPTED);
        clock.move(Duration.ofMinutes(2));
        talk.clock.move(Duration.ofMinutes(2));

        DueIndex index = new DueIndex(due, new LeaseScript(connections, "due"), journal, _ -> false, talk.clock);
        Set<String> woken = new HashSet<>();
        for (String pump : List.of(
                "one", "other", "one", "other")) { // who is the second gets its share when the first has given it
            index.take(DueRequest.newBuilder().setOwner(pump).setLimit(100).build()).getItemsList().stream()
                    .map(DueItem::getEmissionsList)
                    .flatMap(List::stream)
                    .map(Emission::getMessage)
                    .forEach(woken::add);
        }
        assertThat(woken).contains(talk.first.getMessage());
    }

    @ParameterizedTest
    @EnumSource
    void redis_alone_says_that_it_refuses_and_why_and_goes_on_with_all_that_it_acknowledged(Refusal refusal) {
        try (RedisThreadStore alone =
                new RedisThreadStore(RedisConnections.open(server.url()), Retention.ofAll(TTL), clock)) {
            DueStore due = new RedisDueStore(connections, "due");
            Conversing talk = new Conversing(alone);
            turn(talk, talk.journal, talk.first);
            List<Slot> acknowledged = talk.slots();
            await().untilAsserted(() -> assertThat(listed(alone)).hasSize(1)); // it is told of aside
            refusal.begin(redis);
            Emission next = talk.clientMessage();
            ConversationJournal journal = talk.process(due);

            String why = "(?s)Redis refuses: .*" + refusal + " .*; try again";
            assertThatThrownBy(
                            () -> journal.begin(talk.key, talk.beginning(next).build()))
                    .isInstanceOf(StoreUnavailableException.class)
                    .hasMessageMatching(why);
            assertThatThrownBy(() -> journal.park(talk.key, parking(next)))
                    .isInstanceOf(StoreUnavailableException.class);
            await().ignoreExceptions().untilAsserted(() -> {
                assertThat(slots(talk)).isEqualTo(acknowledged);
                assertThat(listed(alone)).hasSize(1);
            });

            refusal.end(redis);
            await().ignoreExceptions().untilAsserted(() -> turn(talk, talk.process(), next));
            assertThat(slots(talk)).hasSize(4).startsWith(acknowledged.toArray(Slot[]::new));
        }
    }

    @Test
    void an_erased_conversation_goes_from_a_redis_that_is_out_of_memory() {
        Conversing talk = new Conversing(store);
        turn(talk, talk.journal, talk.first);
        Refusal.OOM.begin(redis);
        long number = talk.state().number() + 1;
        Commit erasure = Commit.newBuilder()
                .setNumber(number)
                .setAtMs(clock.millis())
                .addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()))
                .build();
        assertThat(store.append(talk.key, erasure, clock.millis())).isTrue();
        assertThat(store.erase(talk.key, erasure)).isTrue();
        assertThat(redis.lrange(list(talk), 0, -2)).containsOnly("");
    }

    /** As behind a name or a load balancer: the address stays, and connections to the old primary stay too. */
    @Test
    void finds_the_new_primary_behind_the_same_address_though_the_old_one_ends_no_connection(
            @TempDir Path one, @TempDir Path two) {
        List<Long> heard = new CopyOnWriteArrayList<>();
        try (LocalRedis old = LocalRedis.start(one, 0);
                LocalRedis successor = LocalRedis.start(two, 0);
                SwitchedPort address = new SwitchedPort(old.port());
                RedisThreadStore behind =
                        new RedisThreadStore(RedisConnections.open(address.url()), Retention.ofAll(TTL), clock);
                RedisClient oldClient = RedisClient.create(old.url());
                RedisClient newClient = RedisClient.create(successor.url())) {
            behind.onAppend((key, number, stops) -> heard.add(number));
            RedisCommands<String, String> oldNode = oldClient.connect().sync();
            RedisCommands<String, String> newNode = newClient.connect().sync();
            newNode.replicaof("127.0.0.1", old.port());
            Conversing talk = new Conversing(behind);
            turn(talk, talk.journal, talk.first);
            List<Slot> acknowledged = talk.slots();
            await().until(() -> newNode.llen(list(talk)) == talk.state().number());

            newNode.replicaofNoOne();
            oldNode.replicaof("127.0.0.1", FreePorts.take()); // cut off: what is told on the new one it does not hear
            address.leadsTo(successor.port());

            Emission next = talk.clientMessage();
            await().ignoreExceptions().untilAsserted(() -> turn(talk, talk.process(), next));
            assertThat(slots(talk)).hasSize(4).startsWith(acknowledged.toArray(Slot[]::new));
            assertThat(newNode.llen(list(talk))).isEqualTo(number(talk));
            long number = number(talk);
            await().ignoreExceptions().untilAsserted(() -> {
                turn(talk, talk.process(), talk.clientMessage());
                assertThat(heard).anyMatch(told -> told > number); // by the new one
            });
        }
    }

    private List<RecentConversations.Recent> listed(RedisThreadStore alone) {
        return alone.recent(Conversing.TENANT, RecentConversations.Order.NEWEST_FIRST, 10, Optional.empty())
                .conversations();
    }

    /** By a process that remembers nothing. */
    private static List<Slot> slots(Conversing talk) {
        return talk.process().look(talk.key, state -> List.copyOf(state.slots()));
    }

    private static long number(Conversing talk) {
        return talk.process().look(talk.key, JournalState::number);
    }

    /** By any process; it may have been begun already. */
    private static void turn(Conversing talk, ConversationJournal process, Emission message) {
        BeginReply begun = process.begin(talk.key, talk.beginning(message).build());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(process.complete(
                                talk.key,
                                talk.completing(message, talk.respond(message, begun))
                                        .build())
                        .getOutcome())
                .isEqualTo(Outcome.ACCEPTED);
    }

    private static ParkRequest parking(Emission message) {
        return ParkRequest.newBuilder()
                .setThread(message.getThread())
                .setMessage(message.getMessage())
                .setParking(Parking.newBuilder()
                        .setUntilMs(Conversing.START.plusSeconds(60).toEpochMilli()))
                .build();
    }

    private static String list(Conversing talk) {
        return "thread:" + talk.key.tenant() + ":{" + talk.key.conversation() + "}:commits";
    }
}
