package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalRedisCluster;
import io.lettuce.core.cluster.SlotHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * A Redis Cluster that grows while commits flow, a thousand a second if the machine can, with nothing durable under it that would hide an
 * error. Through the service, and with a primary killed: RedisClusterUnderLoadTest.
 */
@Timeout(240)
class RedisClusterChangesTest {
    private static final int WRITERS = 16;
    private static final int CONVERSATIONS_EACH = 20;
    private static final long BETWEEN_COMMITS_NANOS = Duration.ofMillis(1).toNanos() * WRITERS;
    private static final Duration TTL = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** After which a silent node counts as gone: not for a machine that stands still for a moment. */
    private static final Duration PATIENT = Duration.ofSeconds(15);

    private final List<ConversationKey> conversations = IntStream.range(0, WRITERS * CONVERSATIONS_EACH)
            .mapToObj(i -> new ConversationKey(new TenantId("acme"), new ThreadId(Ids.v7())))
            .toList();
    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicLong written = new AtomicLong();

    @Test
    void grows_under_load_without_an_error_and_without_a_loss(@TempDir Path directory) throws Exception {
        try (LocalRedisCluster cluster = LocalRedisCluster.start(directory, 3, PATIENT);
                RedisThreadStore store = open(cluster);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AutoCloseable end = () -> enough.set(true)) { // before it is waited for the writers
            List<Future<long[]>> writers = write(store, threads);
            awaitWritten(writers, 1_000);
            int added = cluster.grow();
            List<Integer> moving = slots();
            assertThat(moving).hasSizeGreaterThan(50);
            long before = written.get();
            for (int slot : moving) {
                cluster.move(slot, slot * 3 / LocalRedisCluster.SLOTS, added);
            }
            assertThat(written.get()).as("written while slots moved").isGreaterThan(before);
            long after = written.get();
            awaitWritten(writers, after + 1_000);
            enough.set(true);

            List<long[]> lengths = results(writers);
            try (RedisConnections node =
                    RedisConnections.open(cluster.node(added).url())) {
                assertThat(node.commands().dbsize())
                        .as("keys of the node that was added")
                        .isPositive();
            }
            for (int i = 0; i < conversations.size(); i++) {
                List<Commit> commits = store.read(conversations.get(i), 1, Look.CONSISTENT);
                assertThat(commits).hasSize((int) lengths.get(i / CONVERSATIONS_EACH)[i % CONVERSATIONS_EACH]);
                for (int c = 0; c < commits.size(); c++) {
                    assertThat(commits.get(c).getNumber()).isEqualTo(c + 1);
                }
            }
        }
    }

    /** Each writer appends to conversations of its own, in turn. A future gives how many commits each of them has. */
    private List<Future<long[]>> write(ThreadStore store, ExecutorService threads) {
        List<Future<long[]>> writers = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
            List<ConversationKey> own = conversations.subList(w * CONVERSATIONS_EACH, (w + 1) * CONVERSATIONS_EACH);
            writers.add(threads.submit(() -> {
                long[] lengths = new long[CONVERSATIONS_EACH];
                long next = System.nanoTime();
                for (int i = 0; !enough.get(); i = (i + 1) % CONVERSATIONS_EACH) {
                    assertThat(store.append(own.get(i), commit(++lengths[i]), lengths[i] == 1 ? 0 : 1))
                            .isTrue();
                    assertThat(store.read(own.get(i), lengths[i], Look.CONSISTENT))
                            .hasSize(1);
                    written.incrementAndGet();
                    next = Math.max(next + BETWEEN_COMMITS_NANOS, System.nanoTime() - BETWEEN_COMMITS_NANOS);
                    LockSupport.parkNanos(next - System.nanoTime());
                }
                return lengths;
            }));
        }
        return writers;
    }

    private void awaitWritten(List<Future<long[]>> writers, long count) throws Exception {
        await().atMost(PATIENCE)
                .until(() -> written.get() > count
                        || writers.stream().anyMatch(writer -> writer.state() == Future.State.FAILED));
        for (Future<long[]> writer : writers) {
            if (writer.state() == Future.State.FAILED) {
                writer.get(); // throws what it failed of
            }
        }
    }

    private static List<long[]> results(List<Future<long[]>> writers) throws Exception {
        List<long[]> lengths = new ArrayList<>();
        for (Future<long[]> writer : writers) {
            lengths.add(writer.get());
        }
        return lengths;
    }

    /** A third of those that our conversations are in. */
    private List<Integer> slots() {
        return conversations.stream()
                .map(key -> SlotHash.getSlot("thread:acme:{" + key.conversation() + "}:commits"))
                .distinct()
                .limit(conversations.size() / 3)
                .toList();
    }

    private static Commit commit(long number) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(System.currentTimeMillis())
                .addChanges(Change.newBuilder()
                        .setEntry(Entry.newBuilder()
                                .setSlot(Slot.newBuilder().setEnvelope("<message>" + "x".repeat(500) + "</message>"))))
                .build();
    }

    private static RedisThreadStore open(LocalRedisCluster cluster) {
        return new RedisThreadStore(RedisConnections.open(cluster.url()), Retention.ofAll(TTL), Clock.systemUTC());
    }
}
