package io.agentserver.buffer.journal;

import com.google.protobuf.InvalidProtocolBufferException;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.LeaseScript;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisDueStore;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What closed threads hold in Redis goes, and nobody misses it. */
class PruningTest {
    private static final Duration TTL = Duration.ofHours(24);
    private static final int ALL = 1_000;

    private final TestClock clock = new TestClock(Conversing.START);
    private LocalRedis server;
    private LocalDynamo dynamo;
    private StatefulRedisConnection<String, byte[]> redis;
    private RedisConnections connections;
    private TieredThreadStore store;
    private Conversing talk;
    private Pruner pruner;

    @BeforeEach
    void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        dynamo = LocalDynamo.inMemory(0);
        redis = RedisClient.create(server.url()).connect(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE));
        connections = RedisConnections.open(server.url());
        store = tiered(new DynamoThreadStore(
                DynamoConnection.open(dynamo.endpoint().toString()), Retention.ofAll(TTL), clock));
        talk = new Conversing(store);
        pruner = pruner(talk.journal, Leases.NOBODY_ELSE);
        talk.journal.onClosing(pruner);
        store.onRefill(pruner::refilled);
    }

    @AfterEach
    void stop() {
        redis.close();
        store.close();
        connections.close();
        dynamo.close();
        server.close();
    }

    private TieredThreadStore tiered(ThreadStore durable) {
        return new TieredThreadStore(
                durable,
                new RedisThreadStore(RedisConnections.open(server.url()), Retention.ofAll(TTL), clock),
                CircuitBreaker.of(
                        "redis",
                        CircuitBreakerConfig.custom().minimumNumberOfCalls(100).build()));
    }

    private Pruner pruner(ConversationJournal journal, Leases leases) {
        return new Pruner(journal, store, true, index(), leases, Retention.ofAll(TTL), clock);
    }

    private DueStore index() {
        return new RedisDueStore(connections, "prune");
    }

    @Test
    void what_a_closed_thread_held_goes_from_redis_and_every_slot_stays_readable() {
        List<Emission> calls = talkWithACallBelowACall();
        List<Slot> before = talk.slots();
        String below = calls.getLast().getEnvelope();
        assertThat(inRedis()).contains(below);
        pass(Pruner.PAUSE);
        pruner.pruneClosed();

        assertThat(inRedis()).doesNotContain(below).contains(talk.first.getEnvelope());
        assertThat(pruner.pruned()).isEqualTo(1);
        assertThat(pruner.freedBytes()).isGreaterThan(below.length());
        assertThat(readBy(knowing(talk.process(), talk), 0))
                .as("another process")
                .isEqualTo(before);
        assertThat(readBy(knowing(talk.process(), talk), before.size() - 1))
                .as("the last one")
                .isEqualTo(before.subList(before.size() - 1, before.size()));
    }

    /** Then above all: it is what brings memory back. */
    @Test
    void what_a_closed_thread_held_goes_also_while_redis_is_out_of_memory() {
        String below = talkWithACallBelowACall().getLast().getEnvelope();
        redis.sync().configSet("maxmemory", "1");
        pass(Pruner.PAUSE);
        pruner.pruneClosed();

        assertThat(pruner.failures()).isZero();
        assertThat(inRedis()).doesNotContain(below).contains(talk.first.getEnvelope());
    }

    @Test
    void a_message_that_is_asked_for_alone_is_whole() {
        Emission below = talkWithACallBelowACall().getLast();
        pruner.prune(talk.key);
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
        ReadRequest one = ReadRequest.newBuilder()
                .setThread(below.getThread())
                .setMessage(below.getMessage())
                .setLimit(1)
                .build();
        assertThat(new ConversationReader(knowing(talk.process(), talk), store, talk.wakeups)
                        .read(talk.key, one)
                        .getSlotsList())
                .extracting(Slot::getEnvelope)
                .containsExactly(below.getEnvelope());
    }

    @Test
    void nothing_goes_while_watchers_may_still_want_it() {
        Emission below = talkWithACallBelowACall().getLast();
        pass(Pruner.PAUSE.minusMillis(1));
        pruner.pruneClosed();
        assertThat(inRedis()).contains(below.getEnvelope());
        assertThat(pruner.pruned()).isZero();
    }

    @Test
    void the_next_turns_history_is_what_it_would_have_been() {
        talkWithACallBelowACall();
        Emission next = talk.clientMessage();
        List<Slot> unpruned =
                talk.process().begin(talk.key, talk.beginning(next).build()).getHistoryList();
        pruner.prune(talk.key);
        BeginReply begun = talk.process().begin(talk.key, talk.beginning(next).build());
        assertThat(begun.getHistoryList()).isEqualTo(unpruned).hasSize(4);
        assertThat(begun.getHistoryList()).noneMatch(slot -> slot.getEnvelope().isEmpty());
    }

    @Test
    void an_answer_closes_a_thread_within_its_turn() {
        Emission call =
                talk.handle(talk.first, talk.forward(talk.first, 0, "a")).getFirst();
        Emission below = talk.handle(call, talk.forward(call, 0, "b")).getFirst();
        Emission answer =
                talk.handle(below, talk.respond(below, talk.begin(below))).getFirst();
        pruner.prune(talk.key);
        assertThat(inRedis()).as("in the open thread's history").contains(below.getEnvelope(), answer.getEnvelope());
        talk.handle(answer, talk.respond(answer, talk.begin(answer)));
        pruner.prune(talk.key);
        assertThat(inRedis())
                .doesNotContain(below.getEnvelope(), answer.getEnvelope())
                .contains(call.getEnvelope());
    }

    @Test
    void a_cancel_closes_too() {
        Emission call =
                talk.handle(talk.first, talk.forward(talk.first, 0, "a")).getFirst();
        Emission below = talk.handle(call, talk.forward(call, 0, "b")).getFirst();
        talk.journal.cancel(talk.key);
        pass(Pruner.PAUSE);
        pruner.pruneClosed();
        assertThat(inRedis()).doesNotContain(below.getEnvelope()).contains(call.getEnvelope());
        assertThat(readBy(knowing(talk.process(), talk), 0))
                .hasSize(3)
                .noneMatch(slot -> slot.getEnvelope().isEmpty());
    }

    @Test
    void another_process_frees_what_one_that_died_has_closed() {
        Emission below = talkWithACallBelowACall().getLast();
        Pruner heir = pruner(talk.process(), new LeaseScript(connections, "prune"));
        heir.sweep();
        assertThat(inRedis()).as("its own process may still do it").contains(below.getEnvelope());
        pass(Pruner.ORPHANED);
        heir.sweep();
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
        assertThat(left()).isEmpty();
        long pruned = heir.pruned();
        heir.sweep();
        assertThat(heir.pruned()).as("done is done").isEqualTo(pruned);
    }

    @Test
    void a_commit_that_a_dying_process_never_told_of_is_in_the_index_already() {
        Emission call =
                talk.handle(talk.first, talk.forward(talk.first, 0, "a")).getFirst();
        Emission below = talk.handle(call, talk.forward(call, 0, "b")).getFirst();
        pruner.closing(talk.key); // and dies: what it returned never runs
        talk.process().cancel(talk.key);
        pass(Pruner.ORPHANED);
        pruner(talk.process(), Leases.NOBODY_ELSE).sweep();
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
    }

    @Test
    void nobody_sweeps_a_shard_that_is_another_ones() {
        Emission below = talkWithACallBelowACall().getLast();
        int shard = ShardKey.of(talk.root, ShardKey.SHARDS);
        pass(Pruner.ORPHANED);
        pruner(
                        talk.process(),
                        _ -> IntStream.range(0, ShardKey.SHARDS)
                                .filter(each -> each != shard)
                                .boxed()
                                .toList())
                .sweep();
        assertThat(inRedis()).contains(below.getEnvelope());
        pruner(talk.process(), _ -> List.of(shard)).sweep();
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
    }

    @Test
    void what_fails_is_counted_and_swept_when_redis_is_back() {
        Emission below = talkWithACallBelowACall().getLast();
        redis.sync().rename(list(), "elsewhere");
        redis.sync().set(list(), "no list".getBytes(StandardCharsets.UTF_8));
        pass(Pruner.ORPHANED);
        pruner.pruneClosed();
        pruner.sweep();
        assertThat(pruner.failures()).isGreaterThanOrEqualTo(2);
        assertThat(pruner.pruned()).isZero();
        assertThatThrownBy(() -> pruner.prune(talk.key)).isInstanceOf(StoreUnavailableException.class);
        redis.sync().rename("elsewhere", list());
        pruner.sweep();
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
        assertThat(left()).isEmpty();
    }

    @Test
    void what_cannot_be_pruned_is_not_tried_for_ever() {
        talkWithACallBelowACall();
        redis.sync().set(list(), "no list".getBytes(StandardCharsets.UTF_8));
        pass(Pruner.ORPHANED);
        pruner.sweep();
        assertThat(left()).isNotEmpty();
        pass(Duration.ofHours(2));
        pruner.sweep();
        assertThat(left()).isEmpty();
        assertThat(pruner.failures()).isPositive();
    }

    @Test
    void a_conversation_that_was_filled_up_again_is_pruned_again() {
        Emission below = talkWithACallBelowACall().getLast();
        pass(Pruner.PAUSE);
        pruner.pruneClosed();
        redis.sync().del(list());
        assertThat(readBy(talk.process(), 0)).isNotEmpty();
        assertThat(inRedis()).contains(below.getEnvelope());
        pass(Pruner.PAUSE);
        pruner.pruneClosed();
        assertThat(inRedis()).doesNotContain(below.getEnvelope());
    }

    @Test
    void a_buffer_that_does_not_know_of_pruning_takes_what_is_pruned_for_broken() {
        talkWithACallBelowACall();
        pruner.prune(talk.key);
        List<byte[]> pruned = redis.sync().lrange(list(), 0, -1).stream()
                .filter(value -> value[0] == 0)
                .toList();
        assertThat(pruned)
                .isNotEmpty()
                .allSatisfy(value -> assertThatThrownBy(() -> Commit.parseFrom(value))
                        .isInstanceOf(InvalidProtocolBufferException.class));
    }

    @Test
    void a_late_answer_goes_and_is_still_known() {
        String late = "<a-late-answer>" + "x".repeat(100) + "</a-late-answer>"; // longer than its digest
        Emission call =
                talk.handle(talk.first, talk.forward(talk.first, 0, "a")).getFirst();
        talk.begin(call);
        assertThat(talk.answer(call, late)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        talk.journal.complete(
                talk.key,
                talk.completing(call, talk.respond(call, talk.begin(call)))
                        .setSawAnswer(true)
                        .build());
        assertThat(inRedis()).contains(late);
        pruner.prune(talk.key);
        assertThat(inRedis()).doesNotContain(late);
        assertThat(talk.answer(talk.process(), call, late)).isEqualTo(AnswerOutcome.ANSWER_REPEATED);
        assertThat(talk.answer(talk.process(), call, "<another/>")).isEqualTo(AnswerOutcome.ANSWER_DIFFERS);
    }

    @Test
    void an_erased_conversation_stays_erased() {
        talkWithACallBelowACall();
        talk.journal.erase(talk.key);
        pass(Pruner.ORPHANED);
        pruner.pruneClosed();
        pruner.sweep();
        assertThat(redis.sync().lrange(list(), 0, -2))
                .allSatisfy(value -> assertThat(value).isEmpty());
        assertThat(pruner.failures()).isZero();
    }

    @Test
    void what_nobody_may_read_any_more_goes_from_a_conversation_that_goes_on() {
        talkWithACallBelowACall();
        long old = redis.sync().llen(list());
        pass(TTL.multipliedBy(2).plusHours(1));
        Emission late = talk.clientMessage();
        redis.sync().persist(list());
        talk.handle(late, talk.respond(late, talk.begin(late)));
        pruner.prune(talk.key);
        List<byte[]> values = redis.sync().lrange(list(), 0, -1);
        assertThat(values.subList(0, (int) old))
                .allSatisfy(value -> assertThat(value).isEmpty());
        assertThat(values.subList((int) old, values.size())).noneMatch(value -> value.length == 0);
        assertThat(readBy(talk.process(), 0))
                .extracting(Slot::getEnvelope)
                .startsWith(late.getEnvelope())
                .hasSize(2);
    }

    @Test
    void redis_alone_keeps_what_can_be_read() {
        RedisThreadStore alone = new RedisThreadStore(RedisConnections.open(server.url()), Retention.ofAll(TTL), clock);
        try (alone) {
            Conversing other = new Conversing(alone);
            Emission call = other.handle(other.first, other.forward(other.first, 0, "a"))
                    .getFirst();
            other.handle(call, other.respond(call, other.begin(call)));
            other.journal.cancel(other.key);
            List<Slot> before = other.slots();
            assertThat(new Pruner(other.journal, alone, false, index(), Leases.NOBODY_ELSE, Retention.ofAll(TTL), clock)
                            .prune(other.key))
                    .isZero();
            List<Slot> read = other.process().look(other.key, state -> List.copyOf(state.slots()));
            assertThat(read).isEqualTo(before);
        }
    }

    @Test
    void redis_alone_frees_what_its_tenants_own_retention_has_hidden_for_a_day() {
        RedisThreadStore alone = new RedisThreadStore(RedisConnections.open(server.url()), Retention.ofAll(TTL), clock);
        try (alone) {
            Conversing other = new Conversing(alone);
            other.handle(other.first, other.respond(other.first));
            pass(Duration.ofHours(26));
            assertThat(alone(other, alone, Duration.ofDays(90)).prune(other.key))
                    .isZero();
            assertThat(alone(other, alone, TTL).prune(other.key)).isZero();
            assertThat(alone(other, alone, Duration.ofHours(1)).prune(other.key))
                    .isPositive();
        }
    }

    private Pruner alone(Conversing other, RedisThreadStore store, Duration retention) {
        return new Pruner(
                other.journal,
                store,
                false,
                index(),
                Leases.NOBODY_ELSE,
                tenant -> tenant.equals(Conversing.TENANT) ? retention : Duration.ofDays(365),
                clock);
    }

    /** Whatever is pruned and when: a process that reads it from Redis decides, and shows, as one that remembers it. */
    @Test
    void pruning_changes_nothing_that_anybody_sees() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (TieredThreadStore light = tiered(new MemoryThreadStore(Retention.ofAll(TTL), clock))) {
            for (int round = 0; round < 20; round++) {
                Conversing chat = new Conversing(light, Conversing.idOf(clock.instant()));
                Pruner its =
                        new Pruner(chat.journal, light, true, index(), Leases.NOBODY_ELSE, Retention.ofAll(TTL), clock);
                Deque<Emission> log = new ArrayDeque<>(List.of(chat.first));
                for (int step = 0; step < 40; step++) {
                    if (log.isEmpty()) {
                        log.add(chat.clientMessage());
                    }
                    Emission message = random.nextBoolean() ? log.removeFirst() : log.removeLast();
                    BeginReply begun = chat.begin(message);
                    BeginReply elsewhere = chat.process()
                            .begin(chat.key, chat.beginning(message).build());
                    assertThat(elsewhere).as("seed %s, round %s", seed, round).isEqualTo(chat.begin(message));
                    log.addAll(begun.getEmissionsList());
                    if (begun.getVerdict() == Verdict.RUN) {
                        log.addAll(handle(chat, message, begun, random));
                    }
                    if (random.nextInt(3) == 0) {
                        its.prune(chat.key);
                    }
                    long after = random.nextInt(chat.slots().size() + 1);
                    assertThat(shown(knowing(chat.process(), chat), chat, after))
                            .as("seed %s, round %s", seed, round)
                            .isEqualTo(shown(chat.journal, chat, after))
                            .noneMatch(slot -> slot.getEnvelope().isEmpty());
                }
            }
        }
    }

    private static List<Emission> handle(Conversing chat, Emission message, BeginReply begun, Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> chat.complete(message, chat.forward(message, 0, "a")).getEmissionsList();
            case 1 ->
                chat.complete(message, chat.forward(message, 0, "a"), chat.forward(message, 1, "b"))
                        .getEmissionsList();
            case 2 -> chat.complete(message, chat.handOver(message, "c")).getEmissionsList();
            case 3 -> chat.complete(message, chat.toItself(message, 0)).getEmissionsList();
            default -> chat.complete(message, chat.respond(message, begun)).getEmissionsList();
        };
    }

    private static List<Slot> shown(ConversationJournal journal, Conversing chat, long after) {
        return journal.show(
                chat.key,
                state -> state.isWholeAfter(after),
                state -> List.copyOf(
                        state.slots().subList((int) after, state.slots().size())));
    }

    /** The client asks the boss, who asks a, who asks b; all answer. Gives what each of the three calls was. */
    private List<Emission> talkWithACallBelowACall() {
        List<Emission> calls = new ArrayList<>(List.of(talk.first));
        Emission call =
                talk.handle(talk.first, talk.forward(talk.first, 0, "a")).getFirst();
        calls.add(call);
        Emission below = talk.handle(call, talk.forward(call, 0, "b")).getFirst();
        calls.add(below);
        Emission answer =
                talk.handle(below, talk.respond(below, talk.begin(below))).getFirst();
        Emission last =
                talk.handle(answer, talk.respond(answer, talk.begin(answer))).getFirst();
        talk.handle(last, talk.respond(last, talk.begin(last)));
        return calls;
    }

    /** It has what Redis has, as one that has handled a message: one that has nothing reads DynamoDB at once, where all is whole. */
    private static ConversationJournal knowing(ConversationJournal process, Conversing talk) {
        process.glance(talk.key, JournalState::number);
        return process;
    }

    private List<Slot> readBy(ConversationJournal process, long after) {
        return new ConversationReader(process, store, talk.wakeups)
                .read(
                        talk.key,
                        ReadRequest.newBuilder().setAfter(after).setLimit(ALL).build())
                .getSlotsList();
    }

    private void pass(Duration time) {
        clock.move(time);
        talk.clock.move(time);
    }

    private List<Object> left() {
        return IntStream.range(0, ShardKey.SHARDS)
                .boxed()
                .flatMap(shard -> index().due(shard, Long.MAX_VALUE / 1_000_000, ALL).stream())
                .collect(Collectors.toList());
    }

    private String inRedis() {
        return redis.sync().lrange(list(), 0, -1).stream()
                .map(value -> new String(value, StandardCharsets.UTF_8))
                .collect(Collectors.joining("\n"));
    }

    private String list() {
        return list(talk.root);
    }

    private static String list(ThreadId conversation) {
        return "thread:acme:{" + conversation + "}:commits";
    }
}
