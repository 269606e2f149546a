package io.agentserver.service;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * Lets so much work at once be done, and shares the places between tenants by weight: whoever has had less comes
 * first, however many of another's wait. Start-time fair queueing (Goyal, Vin, Cheng 1996): each message is tagged with when
 * it would start if its tenant were alone with its share, and the lowest tag goes next. A place is for work; who waits for
 * something else gives it back meanwhile. Safe on any thread; {@link #enter} blocks.
 *
 * @param <T> who has a share: a tenant, or another with an {@code equals}
 */
public final class FairGate<T> {
    private final ToIntFunction<? super T> weights;
    private final ReentrantLock lock = new ReentrantLock();
    private final PriorityQueue<Waiter> waiting = new PriorityQueue<>(
            Comparator.comparingDouble((Waiter waiter) -> waiter.start).thenComparingLong(waiter -> waiter.arrival));
    /** When each tenant's next message would start. Of those alone that are ahead of the virtual time. */
    private final Map<T, Double> nextStart = new HashMap<>();

    private int free;
    private double virtualTime;
    private long arrivals;

    /**
     * @param places 1 or more
     * @param weights of a tenant, 1 or more; asked at each entry
     */
    public FairGate(int places, ToIntFunction<? super T> weights) {
        if (places < 1) {
            throw new IllegalArgumentException("places: <" + places + "> is less than 1");
        }
        this.free = places;
        this.weights = weights;
    }

    private static final class Waiter {
        final Thread thread = Thread.currentThread();
        final double start;
        final long arrival;
        private volatile boolean admitted;

        Waiter(double start, long arrival) {
            this.start = start;
            this.arrival = arrival;
        }
    }

    /** Does the work when there is a place for it. */
    public <R extends @Nullable Object> R inside(T tenant, Supplier<R> work) {
        enter(tenant);
        try {
            return work.get();
        } finally {
            leave();
        }
    }

    /** Returns when there is a place; {@link #leave} gives it back. Not interruptible: places come free in milliseconds. */
    public void enter(T tenant) {
        Waiter waiter;
        double share = 1.0 / Math.max(1, weights.applyAsInt(tenant)); // not under the lock, where everybody meets
        lock.lock();
        try {
            double start = Math.max(virtualTime, nextStart.getOrDefault(tenant, 0.0));
            nextStart.put(tenant, start + share);
            if (free > 0) {
                free--;
                began(start);
                return;
            }
            waiter = new Waiter(start, arrivals++);
            waiting.add(waiter);
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (!waiter.admitted) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    public void leave() {
        Waiter next;
        lock.lock();
        try {
            next = waiting.poll();
            if (next == null) {
                free++;
                forgetIdle();
                return;
            }
            began(next.start);
        } finally {
            lock.unlock();
        }
        next.admitted = true;
        LockSupport.unpark(next.thread);
    }

    /** Who waits for a place. */
    public int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    private void began(double start) {
        virtualTime = Math.max(virtualTime, start);
    }

    /** When nobody waits, nobody is owed anything: the next busy time begins with equals. */
    private void forgetIdle() {
        if (!nextStart.isEmpty()) {
            nextStart.clear();
            virtualTime = 0;
        }
    }
}
