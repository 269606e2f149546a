package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives entries tenant by tenant in turn, each tenant's in their order, until so many of it have been handed out. For one
 * thread.
 */
final class DueTurns {
    private final int tenantLimit;
    /** Whose turn it is, the next one first. */
    private final Deque<Deque<DueEntry>> tenants = new ArrayDeque<>();

    private final Map<TenantId, Integer> handedOut = new HashMap<>();

    DueTurns(List<DueEntry> entries, int tenantLimit) {
        this.tenantLimit = tenantLimit;
        Map<TenantId, Deque<DueEntry>> byTenant = new HashMap<>();
        for (DueEntry entry : entries) {
            byTenant.computeIfAbsent(entry.conversation().tenant(), _ -> {
                        Deque<DueEntry> own = new ArrayDeque<>();
                        tenants.add(own);
                        return own;
                    })
                    .add(entry);
        }
    }

    /** Null: there is none. */
    @Nullable
    DueEntry next() {
        while (!tenants.isEmpty()) {
            Deque<DueEntry> own = tenants.removeFirst();
            DueEntry entry = own.removeFirst();
            if (handedOut.getOrDefault(entry.conversation().tenant(), 0) < tenantLimit) {
                if (!own.isEmpty()) {
                    tenants.addLast(own);
                }
                return entry;
            }
        }
        return null;
    }

    void handedOut(DueEntry entry) {
        handedOut.merge(entry.conversation().tenant(), 1, Integer::sum);
    }
}
