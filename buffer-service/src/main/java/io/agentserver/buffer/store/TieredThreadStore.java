package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.envelope.TenantId;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A fast store over a durable one. A commit is acknowledged when the durable one has it; the fast one gets it next, and is
 * filled up from the durable one wherever it is found to lack something. While it is away, the durable one serves alone.
 */
public final class TieredThreadStore implements ThreadStore {
    private static final Logger log = LoggerFactory.getLogger(TieredThreadStore.class);

    private final ThreadStore durable;
    private final HotStore hot;
    private final CircuitBreaker breaker;
    /** For a Redis that answers, a hundred times what two cores can ask. */
    static final int MOST_WAITING = 1_024;

    private static final int MOST_UNTOLD = 100_000;

    private final CallLimit waiting = new CallLimit("Redis", MOST_WAITING);
    /** Of whose latest commits nobody was told; the value: whether one of them stops something. */
    private final Map<ConversationKey, Boolean> untold = new ConcurrentHashMap<>();

    private final LongAdder refills = new LongAdder();
    private final LongAdder hotReads = new LongAdder();
    private final LongAdder missedReads = new LongAdder();
    private final LongAdder certainReads = new LongAdder();
    private volatile Consumer<ConversationKey> refilled = _ -> {};

    /** @param breaker spares callers the wait for a fast store that is away */
    public TieredThreadStore(ThreadStore durable, HotStore hot, CircuitBreaker breaker) {
        this.durable = durable;
        this.hot = hot;
        this.breaker = breaker;
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        if (look != Look.CONSISTENT) {
            Optional<List<Commit>> found = tryHot(() -> hot.read(key, number, look));
            if (look == Look.HOT) {
                hotReads.increment();
                return found.orElse(List.of());
            }
            // from 1 it cannot tell "there is none" from "I have lost it"; later ones are looked for when it matters
            if (found.isPresent() && (number > 1 || !found.get().isEmpty())) {
                hotReads.increment();
                return found.get();
            }
            missedReads.increment();
        } else {
            certainReads.increment();
        }
        List<Commit> commits = durable.read(key, number, look);
        if (!commits.isEmpty()) {
            heat(key, commits);
        }
        return commits;
    }

    @Override
    public Optional<Commit> last(ConversationKey key) {
        certainReads.increment();
        return durable.last(key);
    }

    @Override
    public Set<ConversationKey> grown(Map<ConversationKey, Long> known) {
        return durable.grown(known);
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        if (!durable.append(key, commit, previousActivityMs)) {
            return false;
        }
        switch (heat(key, List.of(commit))) {
            case TOLD -> {}
            case HAS_NO_PLACE -> {
                if (!isAnnounced(key, commit.getStops())) {
                    tellLater(key, commit.getStops());
                }
            }
            case AWAY -> tellLater(key, commit.getStops());
        }
        return true;
    }

    /** What has become of commits in the fast store, which tells of those that it takes. */
    private enum Heated {
        TOLD,
        HAS_NO_PLACE,
        AWAY
    }

    @Override
    public Map<ConversationKey, Long> lastNumbers(Collection<ConversationKey> keys) {
        return tryHot(() -> hot.lastNumbers(keys)).orElse(Map.of());
    }

    @Override
    public void makeUp() {
        for (ConversationKey key : List.copyOf(untold.keySet())) {
            boolean stops = untold.getOrDefault(key, false);
            if (!isAnnounced(key, stops)) {
                break; // still away
            }
            untold.remove(key, stops);
        }
        durable.makeUp();
    }

    private boolean isAnnounced(ConversationKey key, boolean stops) {
        return tryHot(() -> {
                    hot.announce(key, stops);
                    return true;
                })
                .orElse(false);
    }

    /** The fast store has not told of a commit that others may wait for. */
    private void tellLater(ConversationKey key, boolean stops) {
        if (untold.size() < MOST_UNTOLD || untold.containsKey(key)) {
            untold.merge(key, stops, Boolean::logicalOr);
        } // else: who waits looks by himself
    }

    /** In the durable one first: what is there could be put into the fast one again. */
    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        boolean durably = durable.erase(key, erasure);
        return tryHot(() -> hot.erase(key, erasure)).orElse(false) && durably;
    }

    /** The breaker is not told of it while all is well: a large conversation takes longer than it allows, and is nobody else's trouble. */
    @Override
    public long prune(ConversationKey key, Pruning pruning) {
        return switch (breaker.getState()) {
            case CLOSED, DISABLED, METRICS_ONLY -> waiting.within(() -> hot.pruneCopy(key, pruning));
            case OPEN, FORCED_OPEN, HALF_OPEN ->
                tryHot(() -> hot.pruneCopy(key, pruning))
                        .orElseThrow(() -> new StoreUnavailableException("Redis", "closed threads were not freed"));
        };
    }

    /** The durable one's: the fast one's list may have gone with it. */
    @Override
    public RecentConversations recent(
            TenantId tenant, RecentConversations.Order order, int limit, Optional<RecentConversations.Recent> from) {
        return durable.recent(tenant, order, limit, from);
    }

    @Override
    public void each(Consumer<ConversationKey> taker) {
        durable.each(taker);
    }

    @Override
    public void onAppend(AppendListener listener) {
        hot.onAppend(listener);
    }

    @Override
    public void check() {
        durable.check();
    }

    /** Tells {@code listener}, which must not block, where the fast one was filled up with commits that were there before. */
    public void onRefill(Consumer<ConversationKey> listener) {
        refilled = listener;
    }

    /** How often the fast store lacked commits that the durable one had. */
    public long refills() {
        return refills.sum();
    }

    /** How many reads the fast store answered. */
    public long hotReads() {
        return hotReads.sum();
    }

    /** How many it was asked for and could not answer: the durable one did. */
    public long missedReads() {
        return missedReads.sum();
    }

    /** How many the durable one had to answer, because it alone is certain to have the latest commit. */
    public long certainReads() {
        return certainReads.sum();
    }

    @Override
    public void close() {
        hot.close();
        durable.close();
    }

    private Heated heat(ConversationKey key, List<Commit> commits) {
        if (Erasures.isErasure(commits.getLast())) {
            // it may hold what is to be forgotten
            return tryHot(() -> hot.erase(key, commits.getLast())).isPresent() ? Heated.TOLD : Heated.AWAY;
        }
        Optional<Long> had = tryHot(() -> hot.restore(key, commits));
        if (had.isEmpty()) {
            return Heated.AWAY;
        }
        if (had.get() + 1 < commits.getFirst().getNumber()) {
            return isRefilled(key, had.get()) ? Heated.TOLD : Heated.HAS_NO_PLACE;
        }
        if (had.get() + 1 < commits.getLast().getNumber()) {
            refilled.accept(key);
        }
        return Heated.TOLD;
    }

    /** Outside the breaker, which must not hold the durable store's failures against the fast one. */
    private boolean isRefilled(ConversationKey key, long had) {
        refills.increment();
        try {
            List<Commit> missing = durable.read(key, had + 1, Look.CONSISTENT);
            // a conversation whose beginning has expired has no place in the list: the durable store serves it
            if (missing.isEmpty() || missing.getFirst().getNumber() != had + 1) {
                return false;
            }
            Optional<Long> restored = tryHot(() -> hot.restore(key, missing));
            restored.ifPresent(_ -> refilled.accept(key));
            return restored.isPresent();
        } catch (StoreUnavailableException e) {
            log.debug("the fast store goes on lacking commits of {}", key, e);
            return false;
        }
    }

    private <T> Optional<T> tryHot(Supplier<T> use) {
        try {
            // outside the breaker: too many callers are not Redis' failure
            return Optional.of(waiting.within(() -> breaker.executeSupplier(use)));
        } catch (CallNotPermittedException open) {
            return Optional.empty();
        } catch (StoreUnavailableException e) {
            log.debug("served without the fast store", e);
            return Optional.empty();
        } catch (RuntimeException e) {
            log.error("the fast store fails as it should not, or holds what it should not: served without it", e);
            return Optional.empty();
        }
    }
}
