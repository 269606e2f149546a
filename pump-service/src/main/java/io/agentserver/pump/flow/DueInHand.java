package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueRequest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * What is due and in this pump's hands: on its way to the log, put aside because the log did not take it, or there and not
 * yet said to be. No tenant has more than its share of them, and one whose last item failed has a handful, so that what
 * cannot be written keeps no place from what can. Safe on any thread.
 */
final class DueInHand {
    /** On their way at once. */
    static final int MOST = 400;

    static final int OF_ONE_TENANT = 50;
    private static final int OF_ONE_IN_TROUBLE = 4;
    private static final long MOST_BYTES = 32L * 1024 * 1024;
    private static final long BYTES_OF_ONE_TENANT = 8L * 1024 * 1024;
    /** How long an item is put aside, and how many may be; then the one that has been longest is tried again. */
    private static final Duration ASIDE = Duration.ofSeconds(10);

    private static final int MOST_ASIDE = 400;

    private final LongSupplier nanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final Map<String, Load> tenants = new HashMap<>();
    private final Set<String> onTheirWay = new HashSet<>();
    /** By key, since when; the oldest first. */
    private final Map<String, Long> aside = new LinkedHashMap<>();

    private final List<String> done = new ArrayList<>();
    private long bytes;

    private static final class Load {
        private int items;
        private long bytes;
        private boolean inTrouble;

        boolean isFull() {
            return items >= (inTrouble ? OF_ONE_IN_TROUBLE : OF_ONE_TENANT) || bytes >= BYTES_OF_ONE_TENANT;
        }
    }

    /** @param nanos as {@link System#nanoTime} */
    DueInHand(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** What to ask for next; a limit of 0: nothing, there is no room. */
    DueRequest.Builder asking(int atMost) {
        lock.lock();
        try {
            long now = nanos.getAsLong();
            aside.values().removeIf(since -> now - since >= ASIDE.toNanos());
            DueRequest.Builder request = DueRequest.newBuilder()
                    .setLimit(bytes >= MOST_BYTES ? 0 : Math.min(atMost, MOST - onTheirWay.size()))
                    .setTenantLimit(OF_ONE_TENANT)
                    .addAllDone(done)
                    .addAllHeld(onTheirWay)
                    .addAllHeld(aside.keySet());
            tenants.forEach((tenant, load) -> {
                if (load.isFull()) {
                    request.addFull(tenant);
                }
            });
            return request;
        } finally {
            lock.unlock();
        }
    }

    /** The buffer has heard that they are done. */
    void said(List<String> keys) {
        lock.lock();
        try {
            done.removeAll(Set.copyOf(keys));
        } finally {
            lock.unlock();
        }
    }

    /** False: not now. It is handed out again. */
    boolean take(DueItem item) {
        lock.lock();
        try {
            Load load = tenants.computeIfAbsent(item.getTenant(), _ -> new Load());
            boolean mayCome = !load.isFull()
                    && onTheirWay.size() < MOST
                    && !aside.containsKey(item.getKey())
                    && onTheirWay.add(item.getKey());
            if (mayCome) {
                load.items++;
                load.bytes += item.getSerializedSize();
                bytes += item.getSerializedSize();
            }
            return mayCome;
        } finally {
            lock.unlock();
        }
    }

    /** @param onTheLog else it is put aside */
    void ended(DueItem item, boolean onTheLog) {
        lock.lock();
        try {
            onTheirWay.remove(item.getKey());
            bytes -= item.getSerializedSize();
            Load load = tenants.computeIfAbsent(item.getTenant(), _ -> new Load());
            load.items--;
            load.bytes -= item.getSerializedSize();
            load.inTrouble = !onTheLog;
            if (onTheLog) {
                done.add(item.getKey());
            } else {
                aside.put(item.getKey(), nanos.getAsLong());
                if (aside.size() > MOST_ASIDE) {
                    aside.remove(aside.keySet().iterator().next());
                }
            }
            if (load.items == 0 && !load.inTrouble) {
                tenants.remove(item.getTenant());
            }
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Blocks until no more than so many are on their way, or the time is over. */
    void awaitAtMost(int items, Duration time) throws InterruptedException {
        lock.lock();
        try {
            long left = time.toNanos();
            while (onTheirWay.size() > items && left > 0) {
                left = ended.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    int onTheirWay() {
        lock.lock();
        try {
            return onTheirWay.size();
        } finally {
            lock.unlock();
        }
    }
}
