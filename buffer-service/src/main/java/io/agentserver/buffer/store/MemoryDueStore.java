package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

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

    /** How many entries were forgotten. */
    long forget(TenantId tenant) {
        List<String> theirs = keys.stream()
                .filter(key -> DueEntry.parse(key).conversation().tenant().equals(tenant))
                .toList();
        theirs.forEach(keys::remove);
        return theirs.size();
    }

    void forget(ConversationKey key) {
        keys.removeIf(entry -> DueEntry.parse(entry).conversation().equals(key));
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
