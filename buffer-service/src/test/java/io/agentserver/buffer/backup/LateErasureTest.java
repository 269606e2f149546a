package io.agentserver.buffer.backup;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.DueIndex;
import io.agentserver.buffer.journal.FreeingThreads;
import io.agentserver.buffer.journal.Limits;
import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantBytes;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.localstores.LocalS3;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.lettuce.core.RedisClient;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.IntStream;

import static io.agentserver.buffer.backup.Commits.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

/** Erasures that the bucket does not take for longer than the journal remembers that they were. */
class LateErasureTest {
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final Duration TTL = Duration.ofHours(24);

    @SuppressWarnings("NullAway.Init")
    private static LocalS3 server;

    @SuppressWarnings("NullAway.Init")
    private static LocalDynamo dynamo;

    @SuppressWarnings("NullAway.Init")
    private static LocalRedis redis;

    private final MovedClock clock = new MovedClock();
    private final DueStore due = new MemoryDueStore();
    private final DueStore index = new MemoryDueStore();
    private final String prefix = "t/" + UUID.randomUUID() + "/";
    private final AwayBucket bucket = new AwayBucket(S3BackupBucket.open(server.url(), "", "backups"));
    private final MessageId first = MessageId.create();
    private final ConversationKey key = new ConversationKey(ACME, ThreadId.ofFirstMessage(ACME, first));

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalS3.start(directory.resolve("s3"), "backups");
        dynamo = LocalDynamo.inMemory(0);
        redis = LocalRedis.start(directory, 0);
    }

    @AfterAll
    static void stop() {
        server.close();
        dynamo.close();
        redis.close();
    }

    enum Mode {
        MEMORY,
        REDIS,
        TIERED
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void goes_on_after_the_journal_has_forgotten_it(Mode mode) {
        try (ThreadStore store = store(mode)) {
            Backup backup = backup(store);
            backedUp(store, backup);
            bucket.isAway = true;
            assertThat(process(store, backup).erase(key).getFound()).isTrue();
            for (int hours = 0; hours < 50; hours += 5) {
                clock.move(Duration.ofHours(5));
                forget(mode, hours);
                take(store, backup); // each time another process: a deployment, an eviction, another's lease
            }
            bucket.isAway = false;
            assertThat(segments(store)).as("until now").isNotEmpty();
            assertThat(entries()).as("what is left to do").hasSize(1);
            clock.move(Duration.ofHours(2));
            take(store, backup);
            assertThat(segments(store)).isEmpty();
            assertThat(entries()).isEmpty();
            backup.runs().runAll();
            assertThat(backup.restore(store, _ -> {}, Retention.ofAll(TTL))
                            .conversation(key)
                            .outcome())
                    .isEqualTo(Restore.Outcome.ERASED);
        }
    }

    @Test
    void one_that_has_begun_anew_meanwhile_stays() {
        try (ThreadStore store = store(Mode.MEMORY)) {
            Backup backup = backup(store);
            backedUp(store, backup);
            bucket.isAway = true;
            ConversationJournal remembers = process(store, backup);
            remembers.erase(key);
            clock.move(TTL.plusHours(1));
            begin(process(store, backup));
            take(remembers);
            assertThat(store.read(key, 1, Look.CONSISTENT).toString()).contains("<said>");
            bucket.isAway = false;
            clock.move(Duration.ofHours(2));
            take(remembers);
            assertThat(segments(store)).isEmpty();
            assertThat(store.read(key, 1, Look.CONSISTENT).toString()).contains("<said>");
            assertThat(entries()).isEmpty();
        }
    }

    @Test
    void what_a_restore_has_brought_back_that_knew_nothing_of_it_goes_again() {
        try (ThreadStore store = store(Mode.MEMORY)) {
            Backup backup = backup(store);
            backedUp(store, backup);
            bucket.isAway = true;
            process(store, backup).erase(key);
            clock.move(TTL.plusHours(1));
            take(store, backup);
            bucket.isAway = false;
            // as an operator does who gives the tenant a longer time first
            assertThat(backup.restore(store, _ -> {}, Retention.ofAll(Duration.ofDays(5)))
                            .conversation(key)
                            .outcome())
                    .isEqualTo(Restore.Outcome.RESTORED);
            clock.move(Duration.ofHours(2));
            take(store, backup);
            assertThat(store.read(key, 1, Look.CONSISTENT).toString()).doesNotContain("<said>");
            assertThat(segments(store)).isEmpty();
        }
    }

    @Test
    void one_whose_commit_never_came_leaves_the_backup_alone() {
        try (ThreadStore store = store(Mode.MEMORY)) {
            Backup backup = backup(store);
            backedUp(store, backup);
            ThreadStore refuses = new ForwardingThreadStore(store) {
                @Override
                public boolean append(ConversationKey its, Commit commit, long previousActivityMs) {
                    throw new StoreUnavailableException("DynamoDB", new IllegalStateException("away"));
                }
            };
            assertThatThrownBy(() -> process(refuses, backup).erase(key)).isInstanceOf(StoreUnavailableException.class);
            assertThat(entries()).hasSize(1);
            clock.move(Duration.ofHours(2));
            take(store, backup);
            assertThat(entries()).isEmpty();
            assertThat(segments(store)).isNotEmpty();
        }
    }

    @Test
    void a_bucket_that_hangs_holds_up_nothing_else_that_is_due() {
        CountDownLatch hangs = new CountDownLatch(1);
        Set<ConversationKey> erased = ConcurrentHashMap.newKeySet();
        BackupErasure backups = new BackupErasure() {
            @Override
            public boolean erase(ConversationKey its, long atMs) {
                try {
                    hangs.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                erased.add(its);
                return true;
            }

            @Override
            public long eraseSome(TenantId tenant) {
                return 0;
            }
        };
        Retention ttl = Retention.ofAll(TTL);
        try (ThreadStore store = store(Mode.MEMORY);
                FreeingThreads freeing = new FreeingThreads()) {
            ThreadStore backedUp = new BackedUpThreadStore(
                    store,
                    index,
                    backups,
                    new BackupTimes(PERIOD, TTL),
                    new StoreClock(Leases.NOBODY_ELSE, clock, System::nanoTime),
                    clock);
            ConversationJournal journal = new ConversationJournal(
                    backedUp,
                    due,
                    new Wakeups(),
                    ttl,
                    10_000_000,
                    Limits.NONE,
                    new MemoryTenantBytes(ttl, clock),
                    freeing::execute,
                    clock);
            ConversationJournal dies = new ConversationJournal(store, due, new Wakeups(), ttl, 10_000_000, clock);
            begin(dies);
            dies.erase(key);
            assertThat(entries()).hasSize(1);
            MessageId sleeping = MessageId.create();
            ConversationKey other = new ConversationKey(ACME, ThreadId.ofFirstMessage(ACME, sleeping));
            begin(dies, other, sleeping);
            dies.park(
                    other,
                    ParkRequest.newBuilder()
                            .setThread(other.conversation().toString())
                            .setMessage(sleeping.toString())
                            .setParking(Parking.newBuilder()
                                    .setUntilMs(clock.millis()
                                            + Duration.ofSeconds(90).toMillis()))
                            .build());
            clock.move(Duration.ofMinutes(2));
            DueIndex pumped = new DueIndex(due, Leases.NOBODY_ELSE, journal, _ -> false, clock);
            DueRequest request =
                    DueRequest.newBuilder().setOwner("pump").setLimit(100).build();
            assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> assertThat(pumped.take(request).getItemsList()).hasSize(1));
            assertThat(entries()).as("it is put off").hasSize(2);
            assertThat(erased).isEmpty();
            hangs.countDown();
            await().untilAsserted(() -> assertThat(entries()).hasSize(1));
            assertThat(erased).containsExactly(key);
        } finally {
            hangs.countDown();
        }
    }

    @Test
    void one_that_has_begun_anew_in_a_store_that_has_lost_the_erasure_stays() {
        ThreadStore lost = store(Mode.MEMORY);
        AtomicReference<ThreadStore> now = new AtomicReference<>(lost);
        try (ThreadStore store = store(Mode.MEMORY)) {
            ThreadStore loses = new ForwardingThreadStore(lost) {
                @Override
                public List<Commit> read(ConversationKey its, long number, Look look) {
                    return now.get().read(its, number, look);
                }

                @Override
                public boolean append(ConversationKey its, Commit commit, long previousActivityMs) {
                    return now.get().append(its, commit, previousActivityMs);
                }

                @Override
                public boolean erase(ConversationKey its, Commit erasure) {
                    return now.get().erase(its, erasure);
                }
            };
            ConversationJournal remembers =
                    new ConversationJournal(loses, due, new Wakeups(), Retention.ofAll(TTL), 10_000_000, clock);
            begin(remembers);
            remembers.erase(key);
            now.set(store);
            clock.move(Duration.ofMinutes(1));
            begin(new ConversationJournal(loses, due, new Wakeups(), Retention.ofAll(TTL), 10_000_000, clock));
            clock.move(Duration.ofMinutes(1));
            take(remembers);
            assertThat(store.read(key, 1, Look.CONSISTENT).toString()).contains("<said>");
            assertThat(entries()).isEmpty();
        }
    }

    private void backedUp(ThreadStore store, Backup backup) {
        begin(process(store, backup));
        clock.move(PERIOD.plusMinutes(2));
        backup.runs().runAll();
        assertThat(segments(store)).hasSize(1);
    }

    private void begin(ConversationJournal journal) {
        begin(journal, key, first);
    }

    private static void begin(ConversationJournal journal, ConversationKey key, MessageId first) {
        journal.begin(
                key,
                BeginRequest.newBuilder()
                        .setTenant(ACME.value())
                        .setConversation(key.conversation().toString())
                        .setThread(key.conversation().toString())
                        .setMessage(first.toString())
                        .setEnvelope("<said>words</said>")
                        .setDigest(ByteString.copyFromUtf8("words"))
                        .setClient(true)
                        .setFrom("client")
                        .setTo("boss")
                        .setRoot("Order")
                        .setOrganismVersion(1)
                        .setHistorySlots(50)
                        .build());
    }

    private ConversationJournal process(ThreadStore store, Backup backup) {
        return new ConversationJournal(backup.over(store), due, new Wakeups(), Retention.ofAll(TTL), 10_000_000, clock);
    }

    private void take(ThreadStore store, Backup backup) {
        take(process(store, backup));
    }

    private void take(ConversationJournal process) {
        assertThat(new DueIndex(due, Leases.NOBODY_ELSE, process, _ -> false, clock)
                        .take(DueRequest.newBuilder()
                                .setOwner("pump")
                                .setLimit(100)
                                .build())
                        .getItemsList())
                .isEmpty();
    }

    private List<String> entries() {
        List<String> entries = new ArrayList<>();
        IntStream.range(0, ShardKey.SHARDS)
                .forEach(shard -> due.due(shard, 9_999_999_999_999L, 10).forEach(entry -> entries.add(entry.key())));
        return entries;
    }

    private Backup backup(ThreadStore store) {
        return new Backup(
                bucket,
                new BackupNames(prefix),
                store,
                index,
                Leases.NOBODY_ELSE,
                new MemoryTenantErasure(new MemoryThreadStore(Retention.ofAll(TTL), clock), new MemoryDueStore()),
                new BackupTimes(PERIOD, Duration.ofDays(30)),
                clock);
    }

    private List<Contents.Segment> segments(ThreadStore store) {
        boolean was = bucket.isAway;
        bucket.isAway = false;
        try {
            return new ConversationBackups(bucket, new BackupNames(prefix), store)
                    .contents(key)
                    .segments();
        } finally {
            bucket.isAway = was;
        }
    }

    private ThreadStore store(Mode mode) {
        Retention ttl = Retention.ofAll(TTL);
        return switch (mode) {
            case MEMORY -> new MemoryThreadStore(ttl, clock);
            case REDIS -> new RedisThreadStore(RedisConnections.open(redis.url()), ttl, clock);
            case TIERED ->
                new TieredThreadStore(
                        new DynamoThreadStore(
                                DynamoConnection.open(dynamo.endpoint().toString()), ttl, clock),
                        new RedisThreadStore(RedisConnections.open(redis.url()), ttl, clock),
                        CircuitBreaker.ofDefaults("redis"));
        };
    }

    /** What Redis does by a clock of its own. */
    private void forget(Mode mode, int hours) {
        if (mode != Mode.MEMORY && Duration.ofHours(hours).compareTo(TTL) > 0) {
            try (RedisClient client = RedisClient.create(redis.url());
                    var connection = client.connect()) {
                connection.sync().flushall();
            }
        }
    }

    private static final class AwayBucket extends StoppedBucket {
        private volatile boolean isAway;

        AwayBucket(BackupBucket bucket) {
            super(bucket);
        }

        @Override
        public void put(String object, byte[] content, String sha256) {
            require();
            super.put(object, content, sha256);
        }

        @Override
        public void each(String under, Predicate<Listed> goesOn) {
            require();
            super.each(under, goesOn);
        }

        @Override
        public void delete(Collection<String> objects) {
            require();
            super.delete(objects);
        }

        private void require() {
            if (isAway) {
                throw new StoreUnavailableException("S3", new IllegalStateException("away"));
            }
        }
    }
}
