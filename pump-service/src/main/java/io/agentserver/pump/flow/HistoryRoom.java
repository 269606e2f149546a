package io.agentserver.pump.flow;

import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds the bytes of history that handlers hold while they run. A lane takes room before it reads a history, as much as that may
 * be, and gives back what it did not need; without room it waits, with nothing read and no place of the gate. A tenant has half
 * of the bound at most. When all is taken, tenants that have less than an equal share may still come, up to twice the bound in
 * all. Whoever waits holds no room, so whoever holds some always ends. Safe on any thread.
 */
final class HistoryRoom {
    /** How often a lane that waits looks whether its message is still its own. */
    private static final Duration LOOK = Duration.ofMillis(200);

    private final long bound;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<TenantId, Long> used = new HashMap<>();
    /** Each tenant's in their order. */
    private final Map<TenantId, Deque<Waiter>> waiting = new LinkedHashMap<>();

    private long total;

    /** @param bound in bytes, 1 or more */
    HistoryRoom(long bound) {
        if (bound < 1) {
            throw new IllegalArgumentException("history: <" + bound + "> bytes are less than 1");
        }
        this.bound = bound;
    }

    private static final class Waiter {
        private final long bytes;
        private final Condition condition;
        private boolean admitted;

        Waiter(long bytes, Condition condition) {
            this.bytes = bytes;
            this.condition = condition;
        }
    }

    /** What one lane has; its closing gives it back. */
    final class Taken implements AutoCloseable {
        private final TenantId tenant;
        private long bytes;

        private Taken(TenantId tenant, long bytes) {
            this.tenant = tenant;
            this.bytes = bytes;
        }

        /** It is this much, as one sees now. */
        void settle(long actual) {
            lock.lock();
            try {
                change(tenant, actual - bytes);
                bytes = actual;
                admit();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            settle(0);
        }
    }

    /**
     * Returns when there is room.
     *
     * @param bytes more than the bound is as much as the bound
     * @throws Patience.LetGo if the message is let go meanwhile
     */
    Taken take(TenantId tenant, long bytes, Hold hold) {
        long wanted = Math.min(bytes, bound);
        Waiter waiter;
        lock.lock();
        try {
            if (wanted == 0 || !waiting.containsKey(tenant) && hasRoom(tenant, wanted)) {
                change(tenant, wanted);
                return new Taken(tenant, wanted);
            }
            waiter = new Waiter(wanted, lock.newCondition());
            waiting.computeIfAbsent(tenant, _ -> new ArrayDeque<>()).add(waiter);
        } finally {
            lock.unlock();
        }
        try (Hold.Pause away = hold.pause()) {
            return awaited(tenant, waiter, hold);
        }
    }

    private Taken awaited(TenantId tenant, Waiter waiter, Hold hold) {
        lock.lock();
        try {
            while (!waiter.admitted) {
                if (hold.isLetGo()) {
                    throw new Patience.LetGo();
                }
                long _ = waiter.condition.awaitNanos(LOOK.toNanos());
            }
            return new Taken(tenant, waiter.bytes);
        } catch (InterruptedException e) {
            giveUp(tenant, waiter);
            Thread.currentThread().interrupt();
            throw new Patience.LetGo();
        } catch (Patience.LetGo e) {
            giveUp(tenant, waiter);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    private void giveUp(TenantId tenant, Waiter waiter) {
        if (waiter.admitted) {
            change(tenant, -waiter.bytes);
        } else {
            waiting.computeIfPresent(tenant, (_, own) -> {
                own.remove(waiter);
                return own.isEmpty() ? null : own;
            });
        }
        admit();
    }

    /** One of each tenant, and again, until nobody's first fits. */
    private void admit() {
        boolean admitted = true;
        while (admitted && !waiting.isEmpty()) {
            admitted = false;
            for (Iterator<Map.Entry<TenantId, Deque<Waiter>>> all =
                            waiting.entrySet().iterator();
                    all.hasNext(); ) {
                Map.Entry<TenantId, Deque<Waiter>> each = all.next();
                Waiter first = each.getValue().getFirst();
                if (hasRoom(each.getKey(), first.bytes)) {
                    change(each.getKey(), first.bytes);
                    first.admitted = true;
                    first.condition.signal();
                    each.getValue().removeFirst();
                    admitted = true;
                    if (each.getValue().isEmpty()) {
                        all.remove();
                    }
                }
            }
        }
    }

    private boolean hasRoom(TenantId tenant, long bytes) {
        long own = used.getOrDefault(tenant, 0L);
        if (own == 0) {
            return total + bytes <= 2 * bound;
        }
        if (total + bytes <= bound) {
            return own + bytes <= bound / 2;
        }
        return own + bytes <= bound / used.size() && total + bytes <= 2 * bound;
    }

    private void change(TenantId tenant, long by) {
        total += by;
        long own = used.getOrDefault(tenant, 0L) + by;
        if (own == 0) {
            used.remove(tenant);
        } else {
            used.put(tenant, own);
        }
    }

    /** Bytes that are taken. */
    long taken() {
        lock.lock();
        try {
            return total;
        } finally {
            lock.unlock();
        }
    }

    /** Lanes that wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting.values().stream().mapToInt(Deque::size).sum();
        } finally {
            lock.unlock();
        }
    }
}
