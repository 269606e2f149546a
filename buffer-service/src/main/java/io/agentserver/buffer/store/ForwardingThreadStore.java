package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.envelope.TenantId;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Leaves everything to another store: what a subclass does not do in its own way is that one's. */
public abstract class ForwardingThreadStore implements ThreadStore {
    private final ThreadStore store;

    /** @param store closed with this one */
    protected ForwardingThreadStore(ThreadStore store) {
        this.store = store;
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        return store.read(key, number, look);
    }

    @Override
    public Optional<Commit> last(ConversationKey key) {
        return store.last(key);
    }

    @Override
    public Set<ConversationKey> grown(Map<ConversationKey, Long> known) {
        return store.grown(known);
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        return store.append(key, commit, previousActivityMs);
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        return store.erase(key, erasure);
    }

    @Override
    public void eraseBackup(ConversationKey key, long erasedAtMs) {
        store.eraseBackup(key, erasedAtMs);
    }

    @Override
    public long prune(ConversationKey key, Pruning pruning) {
        return store.prune(key, pruning);
    }

    @Override
    public RecentConversations recent(
            TenantId tenant, RecentConversations.Order order, int limit, Optional<RecentConversations.Recent> from) {
        return store.recent(tenant, order, limit, from);
    }

    @Override
    public void each(Consumer<ConversationKey> taker) {
        store.each(taker);
    }

    @Override
    public void onAppend(AppendListener listener) {
        store.onAppend(listener);
    }

    @Override
    public Map<ConversationKey, Long> lastNumbers(Collection<ConversationKey> keys) {
        return store.lastNumbers(keys);
    }

    @Override
    public void makeUp() {
        store.makeUp();
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
