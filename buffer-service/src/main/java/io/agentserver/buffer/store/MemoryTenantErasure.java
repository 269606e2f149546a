package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** For the stores of this process: its marks go with it, as all that they could speak of does. */
public final class MemoryTenantErasure implements TenantErasure {
    private final MemoryThreadStore threads;
    private final MemoryDueStore due;
    private final Set<TenantId> marked = ConcurrentHashMap.newKeySet();

    public MemoryTenantErasure(MemoryThreadStore threads, MemoryDueStore due) {
        this.threads = threads;
        this.due = due;
    }

    @Override
    public void mark(TenantId tenant) {
        marked.add(tenant);
    }

    @Override
    public Set<TenantId> marked() {
        return Set.copyOf(marked);
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
