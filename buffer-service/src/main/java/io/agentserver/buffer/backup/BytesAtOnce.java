package io.agentserver.buffer.backup;

import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Bounds how many bytes of conversations are held at once by all that is done here; one that is larger than the bound is held alone.
 * Who comes first is served first, so that a large one does not wait for ever. Safe on any thread.
 */
final class BytesAtOnce {
    private static final int UNIT = 1 << 10;

    private final Semaphore units;
    private final int most;

    /** @param most bytes */
    BytesAtOnce(long most) {
        this.most = Math.clamp(most / UNIT, 1, Integer.MAX_VALUE);
        this.units = new Semaphore(this.most, true);
    }

    /** Waits until there is room, and does it. */
    <T> T hold(long bytes, Supplier<T> task) {
        int needed = Math.clamp(bytes / UNIT, 1, most);
        units.acquireUninterruptibly(needed); // others' tasks end by themselves
        try {
            return task.get();
        } finally {
            units.release(needed);
        }
    }
}
