package io.agentserver.buffer.backup;

import io.agentserver.buffer.commit.Brief;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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

    @Test
    void large_conversations_are_backed_up_one_after_the_other() {
        saveAll(CONVERSATION);
        assertThat(most.get()).isEqualTo(1);
    }

    @Test
    void small_ones_are_backed_up_at_once() {
        saveAll(CONVERSATION * 100);
        assertThat(most.get()).isGreaterThan(1);
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
            held.add(key);
            most.accumulateAndGet(held.size(), Math::max);
            if (held.size() > 1) {
                twoAtOnce.countDown();
            }
            return super.read(key, number, look);
        }
    }

    /** Takes its time, as long as only one waits for it. */
    private final class Bucket implements BackupBucket {
        @Override
        public void put(String key, byte[] content, String sha256) {
            try {
                twoAtOnce.await(300, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
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
