package io.agentserver.pump.log;

import java.util.TreeSet;

/**
 * Which offset of one partition may be committed: the lowest that is not finished, for whatever is above it. Offsets are
 * started in ascending order, and finished in any. Not safe for threads of its own accord; {@link Lanes} guards it.
 */
final class OffsetWindow {
    private final TreeSet<Long> unfinished = new TreeSet<>();
    private long next = -1;
    private long committed = -1;

    /** @throws IllegalArgumentException for an offset at or below one that was started before */
    void start(long offset) {
        if (!takes(offset)) {
            throw new IllegalArgumentException("offset " + offset + " comes after " + (next - 1) + " was started");
        }
        unfinished.add(offset);
        next = offset + 1;
    }

    /** False: the log goes on from an earlier offset than the last that was started, as after a loss of its end. */
    boolean takes(long offset) {
        return offset >= next;
    }

    void finish(long offset) {
        unfinished.remove(offset);
    }

    /** The offset to read from after a restart; -1: none was started. */
    long committable() {
        return unfinished.isEmpty() ? next : unfinished.first();
    }

    /** Whether there is something to commit. */
    boolean isDirty() {
        return committable() > committed;
    }

    void committed(long offset) {
        committed = Math.max(committed, offset);
    }

    int unfinishedCount() {
        return unfinished.size();
    }
}
