package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.util.List;
import java.util.Set;

/** The durable store's first, whose copy the hot one is: what is swept from the hot one could be put there again until then. */
public final class TieredTenantErasure implements TenantErasure {
    private static final String HOT = "hot:";
    private static final String DURABLE = "durable:";

    private final TenantErasure durable;
    private final TenantErasure hot;

    public TieredTenantErasure(TenantErasure durable, TenantErasure hot) {
        this.durable = durable;
        this.hot = hot;
    }

    @Override
    public void mark(TenantId tenant) {
        durable.mark(tenant);
    }

    @Override
    public Set<TenantId> marked() {
        return durable.marked();
    }

    @Override
    public List<Mark> marks(long sinceMs) {
        return durable.marks(sinceMs);
    }

    @Override
    public void swept(TenantId tenant, long nowMs) {
        durable.swept(tenant, nowMs);
    }

    @Override
    public Swept sweep(TenantId tenant, String cursor) {
        if (cursor.startsWith(HOT)) {
            Swept swept = hot.sweep(tenant, cursor.substring(HOT.length()));
            return new Swept(swept.freed(), swept.cursor().isEmpty() ? "" : HOT + swept.cursor());
        }
        if (!cursor.isEmpty() && !cursor.startsWith(DURABLE)) {
            throw new IllegalArgumentException("cursor: <" + cursor + "> is none of this store's");
        }
        Swept swept = durable.sweep(tenant, cursor.isEmpty() ? "" : cursor.substring(DURABLE.length()));
        return new Swept(swept.freed(), swept.cursor().isEmpty() ? HOT : DURABLE + swept.cursor());
    }

    @Override
    public void sweep(ConversationKey key) {
        durable.sweep(key);
        hot.sweep(key);
    }
}
