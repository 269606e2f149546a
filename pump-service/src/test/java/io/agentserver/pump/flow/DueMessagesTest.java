package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.trace.Tracing;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What is due of one tenant, and what becomes of the others' meanwhile. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DueMessagesTest extends FlowFixture {
    private final Index index = new Index();
    private final CountDownLatch never = new CountDownLatch(1);

    @Test
    void a_tenant_whose_log_does_not_acknowledge_stops_nobody_elses() {
        for (int i = 0; i < 300; i++) {
            index.put("blocked", "a-%03d".formatted(i));
        }
        index.put("demo", "z");
        outbox = records -> {
            if (records.getFirst().topic().equals("messages.blocked")) {
                waitFor(never);
            }
        };
        try (DueMessages due = parts(index).due().start()) {
            await().atMost(Duration.ofSeconds(30)).until(() -> index.isDone("z"));
            assertThat(index.items).hasSize(300);
            never.countDown();
            await().atMost(Duration.ofSeconds(30)).until(index.items::isEmpty);
        }
    }

    @Test
    void what_the_log_refuses_is_put_aside_and_what_is_behind_it_goes_on() {
        for (int i = 0; i < 100; i++) {
            index.put("demo", "a-%03d".formatted(i));
        }
        index.put("demo", "z");
        outbox = records -> {
            if (!text(records.getFirst(), "message-id").equals("z")) {
                throw new UnavailableException("the partition is away");
            }
        };
        DueMessages due = new DueMessages(index, emitter(), gate, Duration.ZERO);
        try (DueMessages started = due.start()) {
            await().atMost(Duration.ofSeconds(30)).until(() -> index.isDone("z"));
            assertThat(index.items).hasSize(100);
        }
    }

    @Test
    void an_error_ends_neither_the_item_nor_the_thread() {
        AtomicInteger errors = new AtomicInteger();
        index.put("demo", "a");
        index.fails = new StackOverflowError("while asking");
        outbox = records -> {
            if (errors.getAndIncrement() == 0) {
                throw new StackOverflowError("while writing");
            }
        };
        try (DueMessages due = parts(index).due().start()) {
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> index.asked.stream()
                            .anyMatch(request -> request.getHeldList().contains("a") && errors.get() == 1));
            assertThat(due.isAlive()).isTrue();
            index.put("demo", "b");
            await().atMost(Duration.ofSeconds(30)).until(() -> index.isDone("b"));
        }
    }

    @Test
    void it_is_not_alive_before_its_start_and_says_its_last_when_it_is_closed() {
        index.put("demo", "a");
        CountDownLatch written = new CountDownLatch(1);
        outbox = _ -> written.countDown();
        DueMessages due = parts(index).due();
        assertThat(due.isAlive()).isFalse();
        due.start();
        waitFor(written);
        due.close();
        assertThat(index.isDone("a"))
                .as("a done item is not handed out once more")
                .isTrue();
        assertThat(index.asked).last().extracting(DueRequest::getLeaves).isEqualTo(true);
        assertThat(due.isAlive()).as("nobody need restart it").isTrue();
    }

    @Test
    void a_reply_that_is_too_large_is_asked_for_in_smaller_ones() {
        for (int i = 0; i < 20; i++) {
            index.put("demo", "k" + i);
        }
        index.most = 5;
        try (DueMessages due = parts(index).due().start()) {
            await().atMost(Duration.ofSeconds(30)).until(index.items::isEmpty);
        }
    }

    private Emitter emitter() {
        return new Emitter(
                records -> outbox.append(records), MAC, tokens, keys.signing(), Tracing.none(), new Patience(_ -> {}));
    }

    private static void waitFor(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new UnavailableException("the test is over", e);
        }
    }

    /** A due index in memory, as buffer.proto has it: tenants in turn, by key. */
    private final class Index extends ForwardingBuffer {
        final Map<String, DueItem> items = new ConcurrentSkipListMap<>();
        final ConcurrentLinkedQueue<DueRequest> asked = new ConcurrentLinkedQueue<>();
        volatile @Nullable Error fails;
        /** More is too large. */
        volatile int most = Integer.MAX_VALUE;

        Index() {
            super(journal);
        }

        void put(String tenant, String key) {
            Emission emission = Emission.newBuilder()
                    .setMessage(key)
                    .setThread(Calls.ROOT.toString())
                    .setConversation(Calls.ROOT.toString())
                    .setClient(true)
                    .setEnvelope("<as-it-was-signed/>")
                    .build();
            items.put(
                    key,
                    DueItem.newBuilder()
                            .setKey(key)
                            .setTenant(tenant)
                            .addEmissions(emission)
                            .build());
        }

        boolean isDone(String key) {
            return !items.containsKey(key);
        }

        @Override
        public DueReply due(DueRequest request) {
            asked.add(request);
            Error failure = fails;
            if (failure != null) {
                fails = null;
                throw failure;
            }
            request.getDoneList().forEach(items::remove);
            if (request.getLeaves()) {
                return DueReply.getDefaultInstance();
            }
            Set<String> held = new HashSet<>(request.getHeldList());
            Map<String, Deque<DueItem>> byTenant = new ConcurrentSkipListMap<>();
            items.values().stream()
                    .filter(item -> !held.contains(item.getKey()))
                    .filter(item -> !request.getFullList().contains(item.getTenant()))
                    .forEach(item -> byTenant.computeIfAbsent(item.getTenant(), _ -> new ArrayDeque<>())
                            .add(item));
            DueReply.Builder reply = DueReply.newBuilder();
            for (Deque<DueItem> own : byTenant.values()) {
                List<DueItem> some = own.stream()
                        .limit(request.getTenantLimit() == 0 ? request.getLimit() : request.getTenantLimit())
                        .limit(request.getLimit() - reply.getItemsCount())
                        .toList();
                reply.addAllItems(some);
            }
            if (reply.getItemsCount() > most && request.getLimit() > most) {
                throw new TooLarge("exceeds maximum size", new IllegalStateException());
            }
            return reply.build();
        }
    }
}
