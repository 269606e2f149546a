package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** For the stores of this process: its marks go with it, as all that they could speak of does. */
public final class MemoryTenantErasure implements TenantErasure {
    private final MemoryThreadStore threads;
    private final MemoryDueStore due;
    private final Clock clock;
    private final Map<TenantId, Mark> marks = new ConcurrentHashMap<>();

    public MemoryTenantErasure(MemoryThreadStore threads, MemoryDueStore due) {
        this(threads, due, Clock.systemUTC());
    }

    public MemoryTenantErasure(MemoryThreadStore threads, MemoryDueStore due, Clock clock) {
        this.threads = threads;
        this.due = due;
        this.clock = clock;
    }

    @Override
    public void mark(TenantId tenant) {
        marks.putIfAbsent(tenant, new Mark(tenant, clock.millis(), 0));
    }

    @Override
    public Set<TenantId> marked() {
        return Set.copyOf(marks.keySet());
    }

    @Override
    public List<Mark> marks(long sinceMs) {
        return marks.values().stream().filter(mark -> mark.atMs() >= sinceMs).toList();
    }

    @Override
    public void swept(TenantId tenant, long nowMs) {
        marks.computeIfPresent(tenant, (_, mark) -> new Mark(tenant, mark.atMs(), nowMs));
    }

    @Override
    public Swept sweep(TenantId tenant, String cursor) {
        if (!cursor.isEmpty()) {
            throw new IllegalArgumentException("cursor: <" + cursor + "> is none of this store's");
        }
        return new Swept(threads.forget(tenant) + due.forget(tenant), "");
    }

    @Override
    public void sweep(ConversationKey key) {
        threads.forget(key);
        due.forget(key);
    }
}
