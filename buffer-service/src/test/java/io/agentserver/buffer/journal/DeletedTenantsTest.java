package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredTenantErasure;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisTenantErasure;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.lettuce.core.RedisClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** What a process that stood still brings of a tenant which was deleted meanwhile. Its time is the test's. */
class DeletedTenantsTest {
    private static final Retention TTL = Retention.ofAll(Duration.ofHours(24));

    private final AtomicLong nanos = new AtomicLong(1_000_000_000_000L);
    private final TestClock clock = new TestClock(Conversing.START);
    private final MemoryThreadStore threads = new MemoryThreadStore(TTL, clock);
    private final TenantErasure erasure = new MemoryTenantErasure(threads, new MemoryDueStore());
    private final LateWrites late = new LateWrites(nanos::get);
    private final List<TenantId> forgotten = new ArrayList<>();
    private final DeletedTenants deleted = new DeletedTenants(erasure, late, forgotten::add);
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void stop() {
        deleted.close();
        executor.shutdownNow();
    }

    /** A store before which a thread stops. */
    private static final class Gate extends ForwardingThreadStore {
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch open = new CountDownLatch(1);

        Gate(ThreadStore store) {
            super(store);
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
            pass();
            return super.append(key, commit, previousActivityMs);
        }

        private void pass() {
            reached.countDown();
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void a_write_that_lands_after_the_last_sweep_is_swept_at_the_next_look() throws Exception {
        Gate gate = new Gate(threads);
        Conversing talk = new Conversing(late.over(gate));
        Future<?> begins = executor.submit(() -> talk.begin(talk.first));
        gate.reached.await();
        sweptForGood();
        stood(Duration.ofSeconds(7));
        gate.open.countDown();
        begins.get();
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT))
                .as("it has landed")
                .isNotEmpty();
        deleted.start();
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isEmpty();
        assertThat(forgotten).contains(Conversing.TENANT);
    }

    @Test
    void so_is_one_that_lands_just_after_the_tenant_was_found() throws Exception {
        Gate gate = new Gate(threads);
        Conversing talk = new Conversing(late.over(gate));
        Future<?> begins = executor.submit(() -> talk.begin(talk.first));
        gate.reached.await();
        sweptForGood();
        stood(Duration.ofSeconds(7));
        deleted.start(); // its thread goes on before the other does
        gate.open.countDown();
        begins.get();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> threads.read(talk.key, 1, Look.CONSISTENT).isEmpty());
    }

    @Test
    void so_is_one_whose_outcome_nobody_knows() {
        ThreadStore losesAnswers = new ForwardingThreadStore(threads) {
            @Override
            public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
                super.append(key, commit, previousActivityMs);
                sweptForGood();
                super.append(key, commit, previousActivityMs); // by the client's own retry
                stood(Duration.ofSeconds(7));
                throw new StoreUnavailableException("DynamoDB", new IllegalStateException("timed out"));
            }
        };
        Conversing talk = new Conversing(late.over(losesAnswers));
        assertThatThrownBy(() -> talk.begin(talk.first)).isInstanceOf(StoreUnavailableException.class);
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isNotEmpty();
        deleted.start();
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isEmpty();
    }

    @Test
    void what_the_hot_store_is_given_again_after_its_last_sweep_is_swept_at_the_next_look(@TempDir Path directory)
            throws ExecutionException, InterruptedException {
        try (LocalRedis server = LocalRedis.start(directory, 0)) {
            RedisConnections redis = RedisConnections.open(server.url());
            CountDownLatch reached = new CountDownLatch(1);
            CountDownLatch open = new CountDownLatch(1);
            ThreadStore durable = new ForwardingThreadStore(threads) {
                @Override
                public List<Commit> read(ConversationKey key, long number, Look look) {
                    List<Commit> commits = super.read(key, number, look);
                    reached.countDown();
                    try {
                        open.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    return commits;
                }
            };
            TenantErasure both = new TieredTenantErasure(erasure, new RedisTenantErasure(redis));
            Conversing talk = new Conversing(threads);
            talk.begin(talk.first);
            RedisThreadStore hot = new RedisThreadStore(redis, TTL, clock);
            try (ThreadStore tiered = new TieredThreadStore(durable, hot, CircuitBreaker.ofDefaults("redis"));
                    DeletedTenants its = new DeletedTenants(both, late, forgotten::add)) {
                Future<List<Commit>> reads =
                        executor.submit(() -> late.over(tiered).read(talk.key, 1, Look.CONSISTENT));
                reached.await();
                sweptForGood(both);
                stood(Duration.ofSeconds(7));
                open.countDown();
                assertThat(reads.get()).isNotEmpty();
                assertThat(hot.read(talk.key, 1, Look.HOT))
                        .as("it is there again")
                        .isNotEmpty();
                its.start();
                assertThat(hot.read(talk.key, 1, Look.HOT)).isEmpty();
                try (RedisClient client = RedisClient.create(server.url());
                        var connection = client.connect()) {
                    assertThat(connection.sync().keys("*acme*")).isEmpty();
                }
            }
        }
    }

    @Test
    void while_the_marks_cannot_be_read_it_is_remembered() throws Exception {
        AtomicLong away = new AtomicLong(1);
        DeletedTenants patient = new DeletedTenants(
                new TenantErasure() {
                    @Override
                    public void mark(TenantId tenant) {
                        erasure.mark(tenant);
                    }

                    @Override
                    public Set<TenantId> marked() {
                        if (away.getAndDecrement() > 0) {
                            throw new StoreUnavailableException("DynamoDB", new IllegalStateException("away"));
                        }
                        return erasure.marked();
                    }

                    @Override
                    public List<Mark> marks(long sinceMs) {
                        return erasure.marks(sinceMs);
                    }

                    @Override
                    public void swept(TenantId tenant, long nowMs) {
                        erasure.swept(tenant, nowMs);
                    }

                    @Override
                    public Swept sweep(TenantId tenant, String cursor) {
                        return erasure.sweep(tenant, cursor);
                    }

                    @Override
                    public void sweep(ConversationKey key) {
                        erasure.sweep(key);
                    }
                },
                late,
                forgotten::add);
        Conversing talk = new Conversing(late.over(threads));
        sweptForGood();
        stood(Duration.ofSeconds(7));
        talk.begin(talk.first);
        assertThatThrownBy(patient::start).isInstanceOf(StoreUnavailableException.class);
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isNotEmpty();
        patient.start();
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isEmpty();
        patient.close();
    }

    @Test
    void who_is_deleted_is_heard_of_while_a_sweep_hangs() throws Exception {
        CountDownLatch hangs = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(1);
        TenantErasure slow = (TenantErasure) Proxy.newProxyInstance(
                TenantErasure.class.getClassLoader(), new Class<?>[] {TenantErasure.class}, (_, method, arguments) -> {
                    if (arguments != null && arguments[0] instanceof ConversationKey) {
                        reached.countDown();
                        hangs.await();
                    }
                    return method.invoke(erasure, arguments);
                });
        TenantId another = new TenantId("another");
        Conversing talk = new Conversing(late.over(threads));
        try (DeletedTenants hears = new DeletedTenants(slow, late, _ -> {})) {
            hears.start();
            sweptForGood();
            stood(Duration.ofSeconds(7));
            talk.begin(talk.first);
            reached.await();
            erasure.mark(another);
            await().atMost(Duration.ofSeconds(5)).until(() -> hears.test(another));
            hangs.countDown();
            await().until(() -> threads.read(talk.key, 1, Look.CONSISTENT).isEmpty());
        } finally {
            hangs.countDown();
        }
    }

    @Test
    void nobody_elses_is_touched_and_nothing_that_was_in_time_is_looked_after() {
        Conversing talk = new Conversing(late.over(threads));
        talk.begin(talk.first);
        assertThat(late.take()).isEmpty();
        stood(Duration.ofSeconds(7));
        talk.handle(talk.clientMessage());
        erasure.mark(new TenantId("another"));
        deleted.start();
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT)).isNotEmpty();
        assertThat(late.take()).as("what was looked after is not any more").isEmpty();
    }

    private void sweptForGood() {
        sweptForGood(erasure);
    }

    /** As the receipt has it. */
    private static void sweptForGood(TenantErasure store) {
        store.mark(Conversing.TENANT);
        for (int pass = 0; pass < 2; pass++) {
            String cursor = "";
            do {
                cursor = store.sweep(Conversing.TENANT, cursor).cursor();
            } while (!cursor.isEmpty());
        }
    }

    private void stood(Duration still) {
        nanos.addAndGet(still.toNanos());
    }
}
