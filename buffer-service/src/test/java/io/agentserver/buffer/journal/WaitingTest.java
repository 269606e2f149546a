package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Those who wait, and what they ask the store meanwhile. */
class WaitingTest {
    private final WatchedStore store = new WatchedStore();
    private final Conversing talk = new Conversing(store);
    private final ConversationReader reader = new ConversationReader(talk.journal, store, talk.wakeups);

    @Test
    void a_turn_that_ended_elsewhere_without_a_wake_up_is_found_by_the_poll() {
        ConversationJournal elsewhere = new ConversationJournal(
                store,
                new MemoryDueStore(),
                new Wakeups(),
                Retention.ofAll(Duration.ofHours(24)),
                10_000_000,
                talk.clock);
        BeginReply begun = talk.begin(talk.first);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<AwaitTurnReply> reply = CompletableFuture.supplyAsync(this::awaitTurn, clients);
            elsewhere.complete(
                    talk.key,
                    talk.completing(talk.first, talk.respond(talk.first, begun)).build());
            assertThat(reply.orTimeout(10, TimeUnit.SECONDS).join().getEnded()).isTrue();
        }
    }

    @Test
    void a_turn_is_waited_for_although_the_store_is_away_for_a_while() {
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<AwaitTurnReply> reply = CompletableFuture.supplyAsync(this::awaitTurn, clients);
            await().until(() -> store.reads.get() == 1);
            store.away = true;
            await().until(() -> store.reads.get() == 2);
            store.away = false;
            talk.handle(talk.first, talk.respond(talk.first));
            assertThat(reply.join().getEnded()).isTrue();
        }
    }

    @Test
    void looks_that_wait_for_each_other_share_one_at_the_store() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        store.hold = hold;
        List<FutureTask<Long>> looks = new ArrayList<>();
        looks.add(look());
        await().until(() -> store.reads.get() == 1);
        ConversationJournal elsewhere = talk.process();
        elsewhere.begin(talk.key, talk.beginning(talk.first).build());
        for (int i = 0; i < 10; i++) {
            looks.add(look());
        }
        hold.countDown();
        for (FutureTask<Long> asked : looks.subList(1, looks.size())) {
            assertThat(asked.get()).isEqualTo(1);
        }
        assertThat(store.reads)
                .as("the first one's, which came too early, and one for the others")
                .hasValue(2);
    }

    /** A look that has come as far as it can: to the store, or to waiting for another. */
    private FutureTask<Long> look() {
        FutureTask<Long> look = new FutureTask<>(() -> talk.journal.look(talk.key, JournalState::number));
        Thread thread = Thread.ofPlatform().start(look);
        await().until(() -> thread.getState() == Thread.State.WAITING);
        return look;
    }

    private AwaitTurnReply awaitTurn() {
        return reader.awaitTurn(
                talk.key,
                AwaitTurnRequest.newBuilder()
                        .setTurn(talk.first.getMessage())
                        .setWaitMs(30_000)
                        .build());
    }

    /** Counts reads, and fails or holds them if it is told to. */
    private static final class WatchedStore extends ForwardingThreadStore {
        private final AtomicInteger reads = new AtomicInteger();
        private volatile boolean away;
        private volatile CountDownLatch hold = new CountDownLatch(0);

        WatchedStore() {
            super(new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), new TestClock(Instant.EPOCH)));
        }

        @Override
        public List<Commit> read(ConversationKey key, long number, Look look) {
            List<Commit> commits = super.read(key, number, look);
            reads.incrementAndGet();
            try {
                hold.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            if (away) {
                throw new StoreUnavailableException("the store", new IllegalStateException("told so"));
            }
            return commits;
        }
    }
}
