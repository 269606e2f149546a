package io.agentserver.pump.log;

import io.agentserver.pump.flow.LogRecord;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Bounds what each topic may have in the producer's memory, which all share: what waits for a partition that cannot be written
 * must not fill it. Safe on any thread.
 */
final class TopicRoom {
    private final int bytes;
    /** One for each topic that was ever written to: as many as there are tenants, twice. */
    private final ConcurrentMap<String, Semaphore> topics = new ConcurrentHashMap<>();

    /** @param bytes of the records of one topic, 1 or more; what is larger goes by itself */
    TopicRoom(int bytes) {
        this.bytes = bytes;
    }

    /** Closing it gives the room back. */
    interface Taken extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Blocks until there is room for all.
     *
     * @param deadline by {@link System#nanoTime}
     * @throws TimeoutException if there is none by then
     */
    Taken take(List<LogRecord> records, long deadline) throws InterruptedException, TimeoutException {
        Map<String, Integer> sizes = new TreeMap<>(); // in one order, or two could wait for each other
        for (LogRecord each : records) {
            sizes.merge(each.topic(), each.value().length, (one, two) -> (int) Math.min(bytes, (long) one + two));
        }
        List<Runnable> taken = new ArrayList<>();
        boolean complete = false;
        try {
            for (Map.Entry<String, Integer> each : sizes.entrySet()) {
                Semaphore topic = topics.computeIfAbsent(each.getKey(), _ -> new Semaphore(bytes, true));
                int size = Math.min(bytes, each.getValue());
                if (!topic.tryAcquire(size, Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                    throw new TimeoutException(bytes + " bytes of " + each.getKey()
                            + " wait for the log already: the partition may be away");
                }
                taken.add(() -> topic.release(size));
            }
            complete = true;
            return () -> taken.forEach(Runnable::run);
        } finally {
            if (!complete) {
                taken.forEach(Runnable::run);
            }
        }
    }
}
