package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.journal.FaultyDynamo.Asked;
import io.agentserver.buffer.journal.FaultyDynamo.Fault;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoDueStore;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** A DynamoDB that throttles, fails, and loses answers to what it has done. */
class FailingDynamoTest {
    private static final Duration TTL = Duration.ofHours(24);
    private static final int TALKS = 8;
    private static final int TURNS = 5;
    private static final int SLOTS_OF_A_TURN = 4;

    private static LocalDynamo server;

    private final TestClock clock = new TestClock(Conversing.START);
    private LocalRedis redis;
    private FaultyDynamo faulty;
    private DynamoDbClient dynamo;
    private TieredThreadStore store;
    /** By another way, on which nothing goes wrong. */
    private DynamoThreadStore truth;

    @BeforeAll
    static void startDynamo() {
        server = LocalDynamo.inMemory(0);
    }

    @AfterAll
    static void stopDynamo() {
        server.close();
    }

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        redis = LocalRedis.start(directory, 0);
        faulty = new FaultyDynamo(server.endpoint());
        dynamo = DynamoConnection.open(faulty.url());
        store = new TieredThreadStore(
                new DynamoThreadStore(dynamo, Retention.ofAll(TTL), clock),
                new RedisThreadStore(RedisConnections.open(redis.url()), Retention.ofAll(TTL), clock),
                CircuitBreaker.ofDefaults("redis"));
        truth = new DynamoThreadStore(DynamoConnection.open(server.endpoint().toString()), Retention.ofAll(TTL), clock);
    }

    @AfterEach
    void stop() {
        faulty.plan(_ -> Fault.NONE);
        store.close();
        truth.close();
        faulty.close();
        redis.close();
    }

    static Stream<Long> seeds() {
        return Stream.of(System.nanoTime());
    }

    /** The seed fixes which faults come, not whose they are: the conversations go on side by side. */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void whatever_it_answers_each_step_is_taken_once_and_nobody_hears_of_it(long seed) throws Exception {
        List<Conversing> talks =
                IntStream.range(0, TALKS).mapToObj(_ -> today()).toList();
        faulty.plan(atRandom(new Random(seed)));
        try (ExecutorService pumps = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (Conversing talk : talks) {
                all.add(pumps.submit(() -> talkWithACallInEachTurn(talk)));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
        assertThat(faulty.faults()).as("seed " + seed).isGreaterThan(TALKS * TURNS);
        for (Conversing talk : talks) {
            isWhole(talk, TURNS);
        }
        for (Conversing talk : talks) {
            talk.journal.erase(talk.key);
            assertThat(truth.read(talk.key, 1, Look.CONSISTENT).toString())
                    .as("seed " + seed)
                    .doesNotContain("from-client", "from-handler");
        }
    }

    /** By the clock of the wall: DynamoDB Local deletes within seconds what has expired by that. */
    private Conversing today() {
        Conversing talk = new Conversing(store);
        talk.clock.move(Duration.between(talk.clock.instant(), Instant.now()));
        return talk;
    }

    /** Every fault but such as last longer than the SDK tries. */
    private static FaultyDynamo.Plan atRandom(Random random) {
        List<Fault> faults = List.of(Fault.THROTTLED, Fault.THROTTLED_ACCOUNT, Fault.BROKEN, Fault.ANSWER_LOST);
        return asked -> {
            Fault fault = faults.get(random.nextInt(faults.size()));
            return asked.isLastAttempt() || random.nextInt(5) > 1 ? Fault.NONE : fault;
        };
    }

    private static void talkWithACallInEachTurn(Conversing talk) {
        ConversationJournal other = talk.process();
        Emission message = talk.first;
        for (int i = 0; i < TURNS; i++) {
            begin(talk, talk.journal, message);
            Emission call = complete(talk, other, message, talk.forward(message, 0, "worker"))
                    .getEmissions(0);
            BeginReply begun = begin(talk, other, call);
            Emission answer = complete(talk, talk.journal, call, talk.respond(call, begun))
                    .getEmissions(0);
            begin(talk, talk.journal, answer);
            complete(talk, other, answer, talk.respond(answer));
            message = talk.clientMessage();
        }
    }

    private static BeginReply begin(Conversing talk, ConversationJournal process, Emission message) {
        BeginReply begun = process.begin(talk.key, talk.beginning(message).build());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        return begun;
    }

    private static CompleteReply complete(
            Conversing talk, ConversationJournal process, Emission message, Output output) {
        CompleteReply reply =
                process.complete(talk.key, talk.completing(message, output).build());
        // it finds its own commit, if the answer to that was lost
        assertThat(reply.getOutcome()).isIn(Outcome.ACCEPTED, Outcome.REPEATED);
        return reply;
    }

    /** In DynamoDB, without a gap, and each message once. */
    private void isWhole(Conversing talk, int turns) {
        List<Commit> commits = truth.read(talk.key, 1, Look.CONSISTENT);
        assertThat(commits)
                .extracting(Commit::getNumber)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, commits.size()).boxed().toList());
        List<Slot> slots = new ConversationJournal(
                        truth, talk.due, talk.wakeups, Retention.ofAll(TTL), 1_000_000, clock)
                .look(talk.key, state -> List.copyOf(state.slots()));
        assertThat(slots)
                .extracting(Slot::getSequence)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, slots.size()).boxed().toList());
        assertThat(slots)
                .hasSize(turns * SLOTS_OF_A_TURN)
                .extracting(Slot::getEnvelope)
                .doesNotHaveDuplicates();
    }

    @Test
    void what_waits_is_due_once_it_was_said_to_wait() throws Exception {
        DueStore due = new DynamoDueStore(dynamo, "due");
        List<Conversing> talks =
                IntStream.range(0, TALKS).mapToObj(_ -> today()).toList();
        long seed = System.nanoTime();
        faulty.plan(atRandom(new Random(seed)));
        try (ExecutorService pumps = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (Conversing talk : talks) {
                all.add(pumps.submit(() -> {
                    ConversationJournal journal = talk.process(due);
                    begin(talk, journal, talk.first);
                    assertThat(journal.park(talk.key, parking(talk.first)).getOutcome())
                            .isIn(Outcome.ACCEPTED, Outcome.REPEATED);
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
        Conversing any = talks.getFirst();
        talks.forEach(talk -> talk.clock.move(Duration.ofMinutes(2)));
        DueIndex index = new DueIndex(due, Leases.NOBODY_ELSE, any.process(due), _ -> false, any.clock);
        Set<String> woken = new HashSet<>();
        await("seed " + seed).atMost(Duration.ofMinutes(1)).until(() -> {
            any.clock.move(Duration.ofSeconds(10)); // one that could not be woken rests by this clock
            List<DueItem> items = index.take(DueRequest.newBuilder()
                            .setOwner("pump")
                            .setLimit(100)
                            .build())
                    .getItemsList();
            items.forEach(item -> item.getEmissionsList().forEach(emission -> woken.add(emission.getMessage())));
            return woken.size() >= TALKS;
        });
        assertThat(woken)
                .containsExactlyInAnyOrderElementsOf(
                        talks.stream().map(talk -> talk.first.getMessage()).toList());
    }

    @Test
    void a_write_that_times_out_after_it_was_done_is_done_once() {
        Conversing talk = today();
        begin(talk, talk.journal, talk.first);
        faulty.plan(asked -> isOfCommit(asked) && asked.attempt() == 1 ? Fault.SILENT : Fault.NONE);
        complete(talk, talk.journal, talk.first, talk.respond(talk.first));
        assertThat(faulty.faults()).isEqualTo(1);
        assertThat(truth.read(talk.key, 1, Look.CONSISTENT)).hasSize(2);
        assertThat(talk.slots()).hasSize(2);
    }

    @Test
    void a_fault_that_lasts_is_told_and_the_repeat_finds_what_was_done() {
        Conversing talk = today();
        begin(talk, talk.journal, talk.first);
        AtomicInteger tries = new AtomicInteger();
        faulty.plan(asked -> {
            tries.incrementAndGet();
            return isOfCommit(asked) ? Fault.ANSWER_LOST : Fault.BROKEN;
        });
        assertThatThrownBy(() -> talk.complete(talk.first, talk.respond(talk.first)))
                .isInstanceOf(StoreUnavailableException.class)
                .hasMessage("DynamoDB is away, try again");
        assertThat(tries).as("it was tried, and not for ever").hasValueBetween(2, 12);

        faulty.plan(_ -> Fault.THROTTLED);
        assertThatThrownBy(() -> talk.complete(talk.first, talk.respond(talk.first)))
                .isInstanceOf(StoreUnavailableException.class);

        faulty.plan(_ -> Fault.NONE);
        assertThat(talk.complete(talk.first, talk.respond(talk.first)).getOutcome())
                .isEqualTo(Outcome.REPEATED);
        assertThat(truth.read(talk.key, 1, Look.CONSISTENT)).hasSize(2);
        assertThat(store.read(talk.key, 1, Look.CONSISTENT)).hasSize(2);
    }

    private static boolean isOfCommit(Asked asked) {
        return asked.action().equals("PutItem") && asked.body().contains("commit#");
    }

    private static ParkRequest parking(Emission message) {
        return ParkRequest.newBuilder()
                .setThread(message.getThread())
                .setMessage(message.getMessage())
                .setParking(Parking.newBuilder()
                        .setUntilMs(Conversing.START.plusSeconds(60).toEpochMilli()))
                .build();
    }
}
