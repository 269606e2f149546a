package io.agentserver.buffer.store;

import java.util.List;
import java.util.NavigableSet;
import java.util.concurrent.ConcurrentSkipListSet;

/** The due index in this process, for tests and trials: gone with it. */
public final class MemoryDueStore implements DueStore {
    private final NavigableSet<String> keys = new ConcurrentSkipListSet<>();

    @Override
    public void put(DueEntry entry) {
        keys.add(entry.key());
    }

    @Override
    public void remove(DueEntry entry) {
        keys.remove(entry.key());
    }

    @Override
    public List<DueEntry> due(int shard, long nowMs, int limit) {
        return keys.stream()
                .map(DueEntry::parse)
                .takeWhile(entry -> entry.dueMs() <= nowMs)
                .filter(entry -> entry.shard() == shard)
                .limit(limit)
                .toList();
    }

    @Override
    public void check() {
        // always there
    }
}
