package io.agentserver.buffer.store;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sums, by name, of what came in the last TTL, which is counted in {@value #PARTS} parts: each amount counts for up to one part
 * longer than it is kept. Safe on any thread.
 */
public final class KeptAmounts {
    static final int PARTS = 24;

    private final long partMs;
    private final Map<String, Window> windows = new ConcurrentHashMap<>();

    /** What came in each of the latest parts; changed inside the map's own lock alone. */
    private static final class Window {
        private final long[] counts = new long[PARTS + 1];
        private long latest;

        void moveTo(long part) {
            if (part - latest > PARTS) {
                Arrays.fill(counts, 0);
                latest = part;
            }
            while (latest < part) {
                latest++;
                counts[(int) (latest % counts.length)] = 0;
            }
        }

        void add(long amount) {
            counts[(int) (latest % counts.length)] += amount;
        }

        long sum() {
            long sum = 0;
            for (long count : counts) {
                sum += count;
            }
            return sum;
        }
    }

    public KeptAmounts(Duration ttl) {
        this.partMs = Math.max(1, ttl.toMillis() / PARTS);
    }

    public void add(String name, long amount, long nowMs) {
        if (amount == 0) {
            return;
        }
        windows.compute(name, (n, there) -> {
            Window window = there == null ? new Window() : there;
            window.moveTo(nowMs / partMs);
            window.add(amount);
            return window;
        });
    }

    public long sum(String name, long nowMs) {
        long[] sum = {0};
        windows.computeIfPresent(name, (n, window) -> {
            window.moveTo(nowMs / partMs);
            sum[0] = window.sum();
            return window;
        });
        return sum[0];
    }

    /** Without those that have none. */
    public Map<String, Double> byName(long nowMs) {
        Map<String, Double> kept = new HashMap<>();
        for (String each : windows.keySet()) {
            windows.computeIfPresent(each, (name, window) -> {
                window.moveTo(nowMs / partMs);
                long sum = window.sum();
                kept.put(name, (double) sum);
                return sum == 0 ? null : window;
            });
        }
        kept.values().removeIf(sum -> sum == 0);
        return kept;
    }
}
