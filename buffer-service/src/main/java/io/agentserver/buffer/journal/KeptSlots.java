package io.agentserver.buffer.journal;

import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many slots this process has journalled of each tenant that are still kept: those of the last TTL, which is counted in
 * {@value #PARTS} parts, so a slot counts for up to one part longer than it is kept. Safe on any thread.
 */
final class KeptSlots {
    private static final int PARTS = 24;

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

        void add(long slots) {
            counts[(int) (latest % counts.length)] += slots;
        }

        long sum() {
            long sum = 0;
            for (long count : counts) {
                sum += count;
            }
            return sum;
        }
    }

    KeptSlots(Duration ttl) {
        this.partMs = Math.max(1, ttl.toMillis() / PARTS);
    }

    void add(TenantId tenant, long slots, long nowMs) {
        if (slots == 0) {
            return;
        }
        windows.compute(tenant.value(), (name, there) -> {
            Window window = there == null ? new Window() : there;
            window.moveTo(nowMs / partMs);
            window.add(slots);
            return window;
        });
    }

    /** Without those that have none. */
    Map<String, Double> byTenant(long nowMs) {
        Map<String, Double> kept = new HashMap<>();
        for (String tenant : windows.keySet()) {
            windows.computeIfPresent(tenant, (name, window) -> {
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
