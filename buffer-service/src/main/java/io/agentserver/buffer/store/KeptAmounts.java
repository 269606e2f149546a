package io.agentserver.buffer.store;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sums, by name, of what is still kept, of each amount for the time that was said when it came: to the {@value #PARTS}th part of that,
 * by which it may count longer. Safe on any thread.
 */
public final class KeptAmounts {
    static final int PARTS = 24;

    private final Map<String, Window> windows = new ConcurrentHashMap<>();

    /** By when it is no longer kept; changed inside the map's own lock alone. */
    private static final class Window {
        private final TreeMap<Long, Long> amounts = new TreeMap<>();
        private long sum;

        void add(long amount, long untilMs) {
            amounts.merge(untilMs, amount, Long::sum);
            sum += amount;
        }

        long sum(long nowMs) {
            Map<Long, Long> over = amounts.headMap(nowMs, true);
            for (long amount : over.values()) {
                sum -= amount;
            }
            over.clear();
            return sum;
        }
    }

    public void add(String name, long amount, Duration kept, long nowMs) {
        if (amount == 0) {
            return;
        }
        long partMs = Math.max(1, kept.toMillis() / PARTS);
        long untilMs = Math.ceilDiv(nowMs + kept.toMillis(), partMs) * partMs;
        windows.compute(name, (n, there) -> {
            Window window = there == null ? new Window() : there;
            window.sum(nowMs); // or it would grow where nobody asks
            window.add(amount, untilMs);
            return window;
        });
    }

    public long sum(String name, long nowMs) {
        long[] sum = {0};
        windows.computeIfPresent(name, (n, window) -> {
            sum[0] = window.sum(nowMs);
            return window;
        });
        return sum[0];
    }

    /** Without those that have none. */
    public Map<String, Double> byName(long nowMs) {
        Map<String, Double> kept = new HashMap<>();
        for (String each : windows.keySet()) {
            windows.computeIfPresent(each, (name, window) -> {
                long sum = window.sum(nowMs);
                kept.put(name, (double) sum);
                return sum == 0 ? null : window;
            });
        }
        kept.values().removeIf(sum -> sum == 0);
        return kept;
    }
}
