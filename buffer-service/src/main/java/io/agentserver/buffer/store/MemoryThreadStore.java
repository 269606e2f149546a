package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Commits in this process, for tests and trials: gone with it. A conversation is forgotten when its tenant's retention after its last
 * commit is over.
 */
public final class MemoryThreadStore implements ThreadStore {
    private final ConcurrentMap<ConversationKey, List<Commit>> conversations = new ConcurrentHashMap<>();
    private final Retention retention;
    private final Clock clock;

    public MemoryThreadStore(Retention retention, Clock clock) {
        this.retention = retention;
        this.clock = clock;
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        List<Commit> commits = conversations.getOrDefault(key, List.of());
        if (isOver(key, commits)) {
            conversations.remove(key, commits);
            return List.of();
        }
        return number > commits.size() ? List.of() : commits.subList((int) number - 1, commits.size());
    }

    @Override
    public Optional<Commit> last(ConversationKey key) {
        List<Commit> commits = read(key, 1, Look.CONSISTENT);
        return commits.isEmpty() ? Optional.empty() : Optional.of(commits.getLast());
    }

    @Override
    public Set<ConversationKey> grown(Map<ConversationKey, Long> known) {
        return known.keySet().stream()
                .filter(key -> !read(key, Objects.requireNonNull(known.get(key)) + 1, Look.CONSISTENT)
                        .isEmpty())
                .collect(Collectors.toSet());
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        boolean[] appended = {false};
        conversations.compute(key, (k, known) -> {
            List<Commit> commits = known == null || isOver(k, known) ? List.of() : known;
            if (commits.size() + 1 != commit.getNumber()) {
                return commits.isEmpty() ? null : commits;
            }
            appended[0] = true;
            // readers keep views of the old list; copying is quadratic, which trials do not feel
            List<Commit> longer = new ArrayList<>(commits.size() + 1);
            longer.addAll(commits);
            longer.add(commit);
            return List.copyOf(longer);
        });
        return appended[0];
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        conversations.computeIfPresent(
                key,
                (k, commits) -> commits.stream()
                        .map(commit -> commit.getNumber() < erasure.getNumber()
                                ? Erasures.placeholder(erasure, commit.getNumber())
                                : commit)
                        .toList());
        return true;
    }

    /** How many conversations were forgotten. */
    long forget(TenantId tenant) {
        long before = conversations.size();
        conversations.keySet().removeIf(key -> key.tenant().equals(tenant));
        return before - conversations.size();
    }

    void forget(ConversationKey key) {
        conversations.remove(key);
    }

    @Override
    public RecentConversations recent(TenantId tenant, Order order, int limit, Optional<Recent> from) {
        List<Recent> sorted = conversations.entrySet().stream()
                .filter(entry -> entry.getKey().tenant().equals(tenant))
                .filter(entry -> !isOver(entry.getKey(), entry.getValue())
                        && !Erasures.isErasure(entry.getValue().getLast()))
                .map(entry -> new Recent(
                        entry.getValue().getLast().getAtMs(), entry.getKey().conversation()))
                .filter(recent -> order.isAtOrAfter(recent, from))
                .sorted(order)
                .limit(limit + 1L)
                .toList();
        return RecentConversations.page(sorted, limit);
    }

    @Override
    public void each(Consumer<ConversationKey> taker) {
        conversations.keySet().forEach(taker);
    }

    @Override
    public void onAppend(AppendListener listener) {
        // there is no other process
    }

    @Override
    public Map<ConversationKey, Long> lastNumbers(Collection<ConversationKey> keys) {
        Map<ConversationKey, Long> numbers = new HashMap<>();
        keys.forEach(key -> last(key).ifPresent(commit -> numbers.put(key, commit.getNumber())));
        return numbers;
    }

    @Override
    public void check() {
        // always there
    }

    @Override
    public void close() {
        conversations.clear();
    }

    private boolean isOver(ConversationKey key, List<Commit> commits) {
        return !commits.isEmpty()
                && commits.getLast().getAtMs() < retention.oldestVisibleMs(key.tenant(), clock.millis());
    }
}
