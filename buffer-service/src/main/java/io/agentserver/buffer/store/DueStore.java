package io.agentserver.buffer.store;

import java.util.Collection;
import java.util.List;

/**
 * The due index: what has to be looked at when, by shard. Safe on any thread; calls block, and throw
 * {@link StoreUnavailableException} if the store is away. Writes are idempotent by {@link DueEntry#key}.
 */
public interface DueStore {
    /** Returns when the entry is as safe as a commit is. */
    void put(DueEntry entry);

    /** As {@link #put}, but not waited for: it may get lost, and says nothing of it. */
    default void note(DueEntry entry) {
        put(entry);
    }

    void remove(DueEntry entry);

    default void removeAll(Collection<DueEntry> entries) {
        entries.forEach(this::remove);
    }

    /** The earliest of a shard that are due by then, at most {@code limit}. */
    List<DueEntry> due(int shard, long nowMs, int limit);

    /** Returns if the store can do its work. */
    void check();
}
