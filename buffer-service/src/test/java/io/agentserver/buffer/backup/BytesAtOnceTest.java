package io.agentserver.buffer.backup;

import io.agentserver.buffer.commit.Brief;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

import static org.assertj.core.api.Assertions.assertThat;

/** How much of conversations the backup holds in memory. */
class BytesAtOnceTest {
    private static final long CONVERSATION = 8 << 20;
    private static final int CONVERSATIONS = 4;

    /** Conversations that were read and are not yet in the bucket. */
    private final Set<ConversationKey> held = ConcurrentHashMap.newKeySet();

    private final AtomicInteger most = new AtomicInteger();
    private final CountDownLatch twoAtOnce = new CountDownLatch(1);
    /** How long a conversation that is alone waits for a second one. */
    private volatile long patienceMs = 300;

    @Test
    void large_conversations_are_backed_up_one_after_the_other() {
        saveAll(CONVERSATION);
        assertThat(most.get()).isEqualTo(1);
    }

    @Test
    void small_ones_are_backed_up_at_once() {
        patienceMs = 30_000;
        saveAll(CONVERSATION * 100);
        assertThat(most.get()).isGreaterThan(1);
    }

    @Test
    void large_conversations_are_restored_one_after_the_other() {
        List<Commit> commits = List.of(Commits.commit(1, System.currentTimeMillis(), orders()));
        long bytes = commits.getFirst().getSerializedSize();
        Filled bucket = new Filled();
        BackupNames names = new BackupNames("");
        List<ConversationKey> keys = new ArrayList<>();
        for (int i = 0; i < CONVERSATIONS; i++) {
            ConversationKey key = Commits.conversation(Commits.ACME);
            byte[] object = SegmentFormat.write(key, 1, commits);
            assertThat(object.length).as("in the bucket").isBetween((int) bytes / 16, (int) bytes / CONVERSATIONS);
            SegmentName name = new SegmentName(1, 1, 1, SegmentName.hash(commits.getFirst()), Sha256.hex(object));
            bucket.objects.put(names.segment(key, name), object);
            keys.add(key);
        }
        Clock clock = Clock.systemUTC();
        Retention retention = Retention.ofAll(Duration.ofDays(1));
        MemoryThreadStore store = new MemoryThreadStore(retention, clock);
        ConversationBackups backups = new ConversationBackups(bucket, names, store);
        BackupTimes times = new BackupTimes(Duration.ofMinutes(10), Duration.ofDays(30));
        Restore restore = new Restore(
                backups,
                new Restored(store),
                new MemoryTenantErasure(store, new MemoryDueStore()),
                new LostSegments(new LostObjects(backups, bucket, names), bucket, names, times, retention, clock),
                _ -> {},
                retention,
                clock,
                bytes * 3 / 2);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            keys.forEach(key -> threads.execute(() -> restore.bring(key)));
        }
        assertThat(keys).allMatch(key -> store.read(key, 1, Look.CONSISTENT).equals(commits));
        assertThat(most.get()).isEqualTo(1);
    }

    /** XML, of which a tenth or so stays. */
    private static String orders() {
        Random random = new Random(7);
        StringBuilder orders = new StringBuilder();
        while (orders.length() < 1 << 20) {
            orders.append("<order><item number='")
                    .append(random.nextInt(1 << 30))
                    .append("'><currency>EUR</currency></item></order>");
        }
        return orders.toString();
    }

    private void holds(ConversationKey key) {
        held.add(key);
        most.accumulateAndGet(held.size(), Math::max);
        if (held.size() > 1) {
            twoAtOnce.countDown();
        }
    }

    private void awaitTwo() {
        try {
            twoAtOnce.await(patienceMs, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void saveAll(long mostBytes) {
        MemoryThreadStore store = new MemoryThreadStore(Retention.ofAll(Duration.ofDays(1)), Clock.systemUTC());
        ConversationBackups backups =
                new ConversationBackups(new Bucket(), new BackupNames(""), new Journal(store), mostBytes);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CONVERSATIONS; i++) {
                ConversationKey key = Commits.conversation(Commits.ACME);
                Commit commit = Commits.commit(1, System.currentTimeMillis(), "words").toBuilder()
                        .setBrief(Brief.newBuilder().setBytes(CONVERSATION))
                        .build();
                store.append(key, commit, 0);
                threads.execute(() -> backups.save(key, 0));
            }
        }
    }

    private final class Journal extends ForwardingThreadStore {
        Journal(MemoryThreadStore store) {
            super(store);
        }

        @Override
        public List<Commit> read(ConversationKey key, long number, Look look) {
            if (number > 1) { // whether it was erased since
                held.remove(key);
                return super.read(key, number, look);
            }
            holds(key);
            return super.read(key, number, look);
        }
    }

    /** Where what was read from the bucket goes. */
    private final class Restored extends ForwardingThreadStore {
        Restored(MemoryThreadStore store) {
            super(store);
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousMs) {
            held.remove(key);
            return super.append(key, commit, previousMs);
        }
    }

    /** Has something, and takes its time too. */
    private final class Filled extends Bucket {
        private final SortedMap<String, byte[]> objects = new TreeMap<>();

        @Override
        public Optional<byte[]> get(String key) {
            String[] parts = key.split("/", -1);
            holds(new ConversationKey(Commits.ACME, ThreadId.parse(parts[parts.length - 2])));
            awaitTwo();
            return Optional.ofNullable(objects.get(key));
        }

        @Override
        public void each(String prefix, Predicate<Listed> goesOn) {
            for (Map.Entry<String, byte[]> object : objects.entrySet()) {
                if (object.getKey().startsWith(prefix)
                        && !goesOn.test(
                                new Listed(object.getKey(), object.getValue().length, System.currentTimeMillis()))) {
                    return;
                }
            }
        }
    }

    /** Takes its time, as long as only one waits for it. */
    private class Bucket implements BackupBucket {
        @Override
        public void put(String key, byte[] content, String sha256) {
            awaitTwo();
        }

        @Override
        public Optional<byte[]> get(String key) {
            return Optional.empty();
        }

        @Override
        public void each(String prefix, Predicate<Listed> goesOn) {}

        @Override
        public List<String> folders(String prefix) {
            return List.of();
        }

        @Override
        public void delete(Collection<String> keys) {}

        @Override
        public long deleteSome(String prefix) {
            return 0;
        }

        @Override
        public void check() {}

        @Override
        public void close() {}
    }
}
