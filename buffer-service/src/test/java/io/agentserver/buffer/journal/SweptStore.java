package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;

import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;

/** One conversation in a store that forgets it from its beginning on. */
final class SweptStore implements ThreadStore {
    final NavigableMap<Long, Commit> commits = new ConcurrentSkipListMap<>();

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        return List.copyOf(commits.tailMap(number, true).values());
    }

    @Override
    public Optional<Commit> last(ConversationKey key) {
        return Optional.ofNullable(commits.lastEntry()).map(Map.Entry::getValue);
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        return commits.putIfAbsent(commit.getNumber(), commit) == null;
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        throw new UnsupportedOperationException();
    }

    void forgetThrough(long number) {
        commits.headMap(number, true).clear();
    }

    @Override
    public RecentConversations recent(
            TenantId tenant, RecentConversations.Order order, int limit, Optional<RecentConversations.Recent> from) {
        return new RecentConversations(List.of(), Optional.empty());
    }

    @Override
    public void each(Consumer<ConversationKey> taker) {}

    @Override
    public void onAppend(AppendListener listener) {}

    @Override
    public void check() {}

    @Override
    public void close() {}
}
