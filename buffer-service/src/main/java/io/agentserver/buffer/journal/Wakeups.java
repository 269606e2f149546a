package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;

/** Who waits for which conversation. Safe on any thread; waking never blocks. */
public final class Wakeups implements AppendListener {
    private static final int ASKED_AT_ONCE = 1_000;

    private final ConcurrentMap<ConversationKey, Set<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Consumer<ConversationKey>> stopListeners = new CopyOnWriteArrayList<>();
    private volatile boolean closed;
    private volatile boolean deaf;

    /** To be registered before the state is looked at, or a commit in between goes unnoticed. */
    Waiter register(ConversationKey key) {
        Waiter waiter = new Waiter(key);
        waiters.compute(key, (k, others) -> {
            Set<Waiter> all = others == null ? ConcurrentHashMap.newKeySet() : others;
            all.add(waiter);
            return all;
        });
        return waiter;
    }

    /** What any process, also this one, has appended. */
    @Override
    public void appended(ConversationKey key, long number, boolean stops) {
        wake(key, number);
        if (stops) {
            stopListeners.forEach(listener -> listener.accept(key));
        }
    }

    /** Whoever waits for it looks closely. */
    @Override
    public void missed(ConversationKey key, boolean stops) {
        Set<Waiter> all = waiters.get(key);
        if (all != null) {
            all.forEach(Waiter::miss);
        }
        if (stops) {
            stopListeners.forEach(listener -> listener.accept(key));
        }
    }

    /**
     * Wakes those who wait for a conversation that has a commit of which they have not heard.
     *
     * @param lastNumbers says of some of so many conversations which commit is their last
     */
    void wakeWhoMissed(Function<Collection<ConversationKey>, Map<ConversationKey, Long>> lastNumbers) {
        List<ConversationKey> awaited = List.copyOf(waiters.keySet());
        for (int from = 0; from < awaited.size(); from += ASKED_AT_ONCE) {
            lastNumbers
                    .apply(awaited.subList(from, Math.min(from + ASKED_AT_ONCE, awaited.size())))
                    .forEach((key, number) -> waiters.getOrDefault(key, Set.of()).stream()
                            .filter(waiter -> number > waiter.latest.get())
                            .forEach(waiter -> waiter.wake(number)));
        }
    }

    /** Whoever waits looks closely, once when nothing more is heard, and once when it is again. */
    @Override
    public void hears(boolean appends) {
        deaf = !appends;
        waiters.values().forEach(all -> all.forEach(Waiter::miss));
    }

    /** What other processes append is not heard of at the moment. */
    boolean isDeaf() {
        return deaf;
    }

    /** Calls it, which must not block, with conversations in which something that may run has lost whoever waited for it. */
    public Registration onStop(Consumer<ConversationKey> listener) {
        stopListeners.add(listener);
        return () -> stopListeners.remove(listener);
    }

    /** @param number of the commit that has been appended */
    public void wake(ConversationKey key, long number) {
        Set<Waiter> all = waiters.get(key);
        if (all != null) {
            all.forEach(waiter -> waiter.wake(number));
        }
    }

    /** Has all who wait for something of a tenant's look again. */
    public void wake(TenantId tenant) {
        waiters.forEach((key, all) -> {
            if (key.tenant().equals(tenant)) {
                all.forEach(waiter -> waiter.wake(0));
            }
        });
    }

    /** Ends all waiting, now and later. */
    public void close() {
        closed = true;
        waiters.values().forEach(all -> all.forEach(waiter -> waiter.wake(0)));
    }

    public boolean isClosed() {
        return closed;
    }

    /** Ends with its closing. */
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    final class Waiter implements AutoCloseable {
        private final ConversationKey key;
        private final Semaphore woken = new Semaphore(0);
        private final AtomicLong latest = new AtomicLong();
        private volatile boolean missed;

        private Waiter(ConversationKey key) {
            this.key = key;
        }

        void wake(long number) {
            latest.accumulateAndGet(number, Math::max);
            woken.release();
        }

        /** It knows all up to this commit. */
        void knows(long number) {
            latest.accumulateAndGet(number, Math::max);
        }

        void miss() {
            missed = true;
            woken.release();
        }

        /**
         * Blocks until the conversation has been appended to since the last call.
         *
         * @return the highest number of a commit that this waiter heard of; 0: the time is up, or one may have been missed
         */
        long await(Duration atMost) {
            try {
                boolean heard = !closed && woken.tryAcquire(atMost.toNanos(), TimeUnit.NANOSECONDS);
                woken.drainPermits();
                boolean nothingMissed = !missed;
                missed = false;
                return heard && nothingMissed ? latest.get() : 0;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
        }

        @Override
        public void close() {
            waiters.computeIfPresent(key, (k, all) -> {
                all.remove(this);
                return all.isEmpty() ? null : all;
            });
        }
    }
}
