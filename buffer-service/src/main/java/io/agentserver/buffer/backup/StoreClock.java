package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.StoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * The clock of whoever shares out the shards, as a process knows it since it last asked: one for all processes, whatever their own
 * ones say. Between two looks, and while there is nobody to ask, it goes on as time passes here. Safe on any thread.
 */
final class StoreClock {
    /** Of an answer that took longer it is not known well enough what time it is by now. */
    private static final Duration SOON_ENOUGH = Duration.ofSeconds(1);

    private static final long NANOS = 1_000_000;

    private final Leases leases;
    private final Clock own;
    private final LongSupplier nanoTime;
    private volatile boolean alone;
    private volatile @Nullable Known known;

    /**
     * Asks at once.
     *
     * @param own for where there is no other, and until it is known
     */
    StoreClock(Leases leases, Clock own, LongSupplier nanoTime) {
        this.leases = leases;
        this.own = own;
        this.nanoTime = nanoTime;
        try {
            look();
        } catch (StoreUnavailableException e) {
            // whoever wants to know what is due asks again
        }
    }

    private record Known(long ms, long atNanos) {}

    /** @throws StoreUnavailableException if it cannot be asked: it goes on as before */
    void look() {
        long asked = nanoTime.getAsLong();
        OptionalLong ms = leases.millis();
        long answered = nanoTime.getAsLong();
        alone = ms.isEmpty();
        if (ms.isPresent() && answered - asked <= SOON_ENOUGH.toNanos()) {
            known = new Known(ms.getAsLong() + (answered - asked) / 2 / NANOS, answered);
        }
    }

    /** False: the time is a guess. */
    boolean isKnown() {
        return alone || known != null;
    }

    /** Milliseconds since 1970. */
    long millis() {
        Known since = known;
        return since == null ? own.millis() : since.ms + (nanoTime.getAsLong() - since.atNanos) / NANOS;
    }
}
