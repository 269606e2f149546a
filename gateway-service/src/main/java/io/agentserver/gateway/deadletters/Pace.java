package io.agentserver.gateway.deadletters;

import java.time.Duration;
import java.util.function.LongSupplier;

/** So many a second, evenly; what was slow is not made up for. Used on one thread. */
final class Pace {
    private final long interval;
    private final LongSupplier nanoTime;
    private long due;

    Pace(int perSecond, LongSupplier nanoTime) {
        this.interval = Duration.ofSeconds(1).toNanos() / perSecond;
        this.nanoTime = nanoTime;
        this.due = nanoTime.getAsLong();
    }

    /** How long the next one has to wait: zero for the first. */
    Duration next() {
        long now = nanoTime.getAsLong();
        long wait = Math.max(0, due - now);
        due = now + wait + interval;
        return Duration.ofNanos(wait);
    }
}
