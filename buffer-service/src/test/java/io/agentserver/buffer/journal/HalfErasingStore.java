package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One of whose copies is away whenever something is to be erased. */
final class HalfErasingStore implements ThreadStore {
    final List<ConversationKey> erased = new ArrayList<>();
    private final ThreadStore store;

    HalfErasingStore(ThreadStore store) {
        this.store = store;
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        erased.add(key);
        return false;
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        return store.read(key, number, look);
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        return store.append(key, commit, previousActivityMs);
    }

    @Override
    public RecentConversations recent(
            TenantId tenant, RecentConversations.Order order, int limit, Optional<RecentConversations.Recent> from) {
        return store.recent(tenant, order, limit, from);
    }

    @Override
    public void onAppend(AppendListener listener) {
        store.onAppend(listener);
    }

    @Override
    public void check() {
        store.check();
    }

    @Override
    public void close() {
        store.close();
    }
}
