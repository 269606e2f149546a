package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Watchers of conversations in which nothing happens. */
class IdleWatchersTest {
    private static final int WATCHERS = 5_000;
    private static final Duration TTL = Duration.ofHours(24);
    private static final Duration NEVER = Duration.ofDays(1);

    private final TestClock clock = new TestClock(Conversing.START);
    private final AtomicLong asked = new AtomicLong();
    private final ThreadStore store = new MemoryThreadStore(Retention.ofAll(TTL), clock);
    private final Wakeups wakeups = new Wakeups();
    private final ConversationJournal watching = process(counted(store));
    private final ConversationJournal writing = process(store);
    private final Map<ConversationKey, AtomicInteger> slots = new ConcurrentHashMap<>();
    private final AtomicInteger caughtUp = new AtomicInteger();

    @Test
    void ask_the_store_once_and_then_only_for_what_they_are_told_of() throws Exception {
        List<ConversationKey> keys = IntStream.range(0, WATCHERS)
                .mapToObj(i -> new ConversationKey(Conversing.TENANT, new ThreadId(Ids.v7())))
                .toList();
        try (ExecutorService watchers = Executors.newVirtualThreadPerTaskExecutor();
                AutoCloseable end = wakeups::close) { // before it is waited for the watchers
            keys.forEach(key -> watchers.execute(new ConversationWatch(
                    watching, wakeups, key, 0, _ -> false, watcher(key), new Pauses(NEVER, NEVER))::run));
            await().until(() -> caughtUp.get() == WATCHERS);
            assertThat(asked).hasValue(WATCHERS);
            asked.set(0);

            List<ConversationKey> told = keys.subList(0, 100);
            told.forEach(this::write); // by another process, which shares the wake-ups
            await().until(() -> told.stream().allMatch(key -> seen(key) == 1));
            assertThat(asked).as("one read for each that was told of something").hasValueLessThanOrEqualTo(100);
            assertThat(keys.subList(100, WATCHERS))
                    .allSatisfy(key -> assertThat(seen(key)).isZero());

            List<ConversationKey> untold = keys.subList(200, 300);
            untold.forEach(this::writeUnheard); // as if the message had been lost
            asked.set(0);
            try (MissedWakeups missed = new MissedWakeups(store, wakeups, Duration.ofMillis(10)).start()) {
                await().until(() -> untold.stream().allMatch(key -> seen(key) == 1));
            }
            assertThat(asked).as("one read for each that has missed something").hasValueLessThanOrEqualTo(100);

            asked.set(0);
            wakeups.hears(false);
            await().until(() -> asked.get() == WATCHERS);
            keys.subList(100, 200).forEach(this::writeUnheard);
            wakeups.hears(true);
            await().until(() -> keys.subList(100, 200).stream().allMatch(key -> seen(key) == 1));
        }
    }

    @Test
    void look_ever_more_seldom_and_at_once_where_something_is_going_on() {
        Pauses pauses = new Pauses(Duration.ofSeconds(2), Duration.ofSeconds(32));
        List<Long> seconds = IntStream.range(0, 7)
                .mapToObj(i -> pauses.next(true).toSeconds())
                .toList();
        assertThat(seconds).containsExactly(2L, 4L, 8L, 16L, 32L, 32L, 32L);
        assertThat(pauses.next(false)).hasSeconds(2);
        assertThat(pauses.next(false)).hasSeconds(2);
        assertThat(pauses.next(true)).hasSeconds(2);
        assertThat(pauses.next(true)).hasSeconds(4);
        pauses.restart();
        assertThat(pauses.next(true)).hasSeconds(2);
    }

    private void write(ConversationKey key) {
        begin(writing, key);
    }

    private void writeUnheard(ConversationKey key) {
        begin(
                new ConversationJournal(
                        store, new MemoryDueStore(), new Wakeups(), Retention.ofAll(TTL), 1_000_000, clock),
                key);
    }

    private static void begin(ConversationJournal process, ConversationKey key) {
        process.begin(
                key,
                BeginRequest.newBuilder()
                        .setThread(key.conversation().toString())
                        .setMessage(Ids.v7().toString())
                        .setClient(true)
                        .setEnvelope("<order/>")
                        .build());
    }

    private int seen(ConversationKey key) {
        return slots.computeIfAbsent(key, k -> new AtomicInteger()).get();
    }

    private ConversationWatch.Watcher watcher(ConversationKey key) {
        return new ConversationWatch.Watcher() {
            @Override
            public void send(WatchEvent event) {
                if (event.hasCaughtUp()) {
                    caughtUp.incrementAndGet();
                } else if (event.hasSlot()) {
                    slots.computeIfAbsent(key, k -> new AtomicInteger()).incrementAndGet();
                }
            }

            @Override
            public boolean isGone() {
                return false;
            }
        };
    }

    private ConversationJournal process(ThreadStore of) {
        return new ConversationJournal(of, new MemoryDueStore(), wakeups, Retention.ofAll(TTL), 1_000_000_000, clock);
    }

    /** Counts what the watching process reads. */
    private ThreadStore counted(ThreadStore memory) {
        return (ThreadStore) Proxy.newProxyInstance(
                ThreadStore.class.getClassLoader(), new Class<?>[] {ThreadStore.class}, (proxy, method, args) -> {
                    if (method.getName().equals("read")) {
                        asked.incrementAndGet();
                    }
                    try {
                        return method.invoke(memory, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
