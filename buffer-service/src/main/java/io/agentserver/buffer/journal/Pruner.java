package io.agentserver.buffer.journal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Pruning;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.MessageId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Gatherers;

/**
 * Frees in the hot store what closed threads hold there, some seconds after they were closed: by then watchers in other processes
 * have read it. Slots stay readable: the durable store has them as long as they are kept.
 *
 * <p>The process that closes prunes. An index says what it has not pruned yet, from before the commit on; should it die, or Redis
 * be away, whoever has the lease of the shard does so a minute later, and again until it is done.
 *
 * <p>Safe on any thread; blocks for the store, but for {@link #closing} and {@link #refilled}.
 */
public final class Pruner implements Closings {
    private static final Logger log = LoggerFactory.getLogger(Pruner.class);
    /** A watcher that missed its wake-up looks every 2 s. */
    static final Duration PAUSE = Duration.ofSeconds(10);

    static final Duration ORPHANED = Duration.ofMinutes(1);
    private static final Duration GIVEN_UP = Duration.ofHours(1);
    private static final Duration PURGE_BOUND = Duration.ofHours(24);
    /** More are left to the sweep. */
    private static final int MOST_WAITING = 100_000;

    private static final int MOST_MARKS = 100_000;
    private static final int SWEPT_AT_ONCE = 100;
    private static final int AT_ONCE = 16;

    private final ConversationJournal journal;
    private final ThreadStore store;
    private final boolean isCopied;
    private final DueStore index;
    private final Leases leases;
    private final String owner = MessageId.create().toString();
    private volatile Set<Integer> mine = Set.of();
    private final Retention retention;
    private final Clock clock;

    private final Map<ConversationKey, Waiting> waiting = new ConcurrentHashMap<>();
    private final Cache<ConversationKey, Mark> marks = Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumSize(MOST_MARKS)
            .build();
    private final LongAdder pruned = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder freedBytes = new LongAdder();

    /**
     * @param isCopied whether a durable store is under the hot one; else only what is past use is freed, which the next close
     *     finds, should this process die
     * @param index by shard; for nothing else
     */
    public Pruner(
            ConversationJournal journal,
            ThreadStore store,
            boolean isCopied,
            DueStore index,
            Leases leases,
            Retention retention,
            Clock clock) {
        this.journal = journal;
        this.store = store;
        this.isCopied = isCopied;
        this.index = index;
        this.leases = leases;
        this.retention = retention;
        this.clock = clock;
    }

    /** @param entries in the index of commits that are written */
    private record Waiting(long sinceMs, List<DueEntry> entries) {
        Waiting {
            entries = List.copyOf(entries);
        }

        Waiting and(List<DueEntry> more) {
            List<DueEntry> all = new ArrayList<>(entries);
            all.addAll(more);
            return new Waiting(sinceMs, all);
        }
    }

    /**
     * How far a conversation is pruned for good.
     *
     * @param number of the last commit that will never hold more to be freed
     * @param sequence of the last slot up to there
     * @param pastUseMs when it was last looked for what is past use
     */
    private record Mark(long number, long sequence, long pastUseMs) {
        static final Mark NONE = new Mark(0, 0, 0);
    }

    private record Plan(Pruning pruning, Mark next) {}

    @Override
    public Runnable closing(ConversationKey key) {
        long nowMs = clock.millis();
        if (!isCopied) {
            return () -> await(key, new Waiting(nowMs, List.of()));
        }
        MessageId none = MessageId.parse(key.conversation().toString());
        DueEntry entry = new DueEntry(key, key.conversation(), none, nowMs + ORPHANED.toMillis());
        index.note(entry);
        return () -> await(key, new Waiting(nowMs, List.of(entry)));
    }

    /** The hot store was given commits as the durable one has them. */
    public void refilled(ConversationKey key) {
        marks.invalidate(key);
        closing(key).run();
    }

    private void await(ConversationKey key, Waiting closed) {
        waiting.compute(key, (k, before) -> {
            if (before != null) {
                return before.and(closed.entries);
            }
            return waiting.size() < MOST_WAITING ? closed : null;
        });
    }

    /** Prunes what this process has closed, once its watchers are served. To be called every second. */
    public void pruneClosed() {
        long untilMs = clock.millis() - PAUSE.toMillis();
        List<ConversationKey> due = waiting.entrySet().stream()
                .filter(each -> each.getValue().sinceMs <= untilMs)
                .map(Map.Entry::getKey)
                .toList();
        List<DueEntry> done = due.stream()
                .gather(Gatherers.mapConcurrent(AT_ONCE, this::pruneWaiting))
                .flatMap(List::stream)
                .toList();
        try {
            index.removeAll(done);
        } catch (StoreUnavailableException e) {
            log.debug("{} entries are looked at once more", done.size(), e);
        }
    }

    /** @return the entries that may go */
    private List<DueEntry> pruneWaiting(ConversationKey key) {
        Waiting its = waiting.remove(key);
        return its != null && isPruned(key) ? its.entries : List.of();
    }

    /**
     * Prunes what the processes that closed it have not, of the shards that are this process's for the moment; some of it, if there
     * is much. To be called every two seconds, or the lease is lost.
     */
    public void sweep() {
        List<Integer> shards;
        try {
            shards = leases.renew(owner);
            mine = Set.copyOf(shards);
        } catch (StoreUnavailableException e) {
            log.debug("nothing is swept while Redis is away", e);
            mine = Set.of();
            return;
        }
        for (int shard : shards) {
            try {
                List<DueEntry> done = index.due(shard, clock.millis(), SWEPT_AT_ONCE).stream()
                        .gather(Gatherers.mapConcurrent(
                                AT_ONCE, entry -> isSwept(entry) ? List.of(entry) : List.<DueEntry>of()))
                        .flatMap(List::stream)
                        .toList();
                index.removeAll(done);
            } catch (StoreUnavailableException e) {
                log.debug("shard {} is swept the next time", shard, e);
            }
        }
    }

    /** Whether a shard was this process's a moment ago: for other work that one is to do. */
    public boolean has(int shard) {
        return mine.contains(shard);
    }

    /** All of it: what this process knows of it may be older than what Redis was given since. */
    private boolean isSwept(DueEntry entry) {
        marks.invalidate(entry.conversation());
        // what cannot be pruned must not be first for ever: it goes when its time is over
        return isPruned(entry.conversation()) || entry.dueMs() < clock.millis() - GIVEN_UP.toMillis();
    }

    /**
     * Prunes a conversation now.
     *
     * @return the number of bytes freed
     * @throws StoreUnavailableException if the hot store is away
     */
    public long prune(ConversationKey key) {
        marks.invalidate(key);
        return pruneOnce(key);
    }

    /** How often a conversation was pruned, also where there was nothing to be freed. */
    public long pruned() {
        return pruned.sum();
    }

    /** How often one could not be pruned. */
    public long failures() {
        return failures.sum();
    }

    public long freedBytes() {
        return freedBytes.sum();
    }

    private boolean isPruned(ConversationKey key) {
        try {
            pruneOnce(key);
            return true;
        } catch (StoreUnavailableException e) {
            log.debug("{} is not pruned yet", key, e);
        } catch (RuntimeException e) {
            log.warn("{} cannot be pruned: {}", key, e.toString());
        }
        return false;
    }

    private long pruneOnce(ConversationKey key) {
        try {
            Mark mark = Objects.requireNonNullElse(marks.getIfPresent(key), Mark.NONE);
            Plan plan = journal.glance(key, state -> plan(state, mark, retention.of(key.tenant())));
            long freed = plan.pruning.isEmpty(isCopied) ? 0 : store.prune(key, plan.pruning);
            marks.put(key, plan.next);
            pruned.increment();
            freedBytes.add(freed);
            return freed;
        } catch (RuntimeException e) {
            failures.increment();
            throw e;
        }
    }

    private Plan plan(JournalState state, Mark mark, Duration kept) {
        long nowMs = clock.millis();
        if (state.erasure().isPresent()) {
            return new Plan(new Pruning(0, 0, commit -> commit, 0), Mark.NONE); // erasing frees more
        }
        long pastUseMs = nowMs - kept.toMillis() - PURGE_BOUND.toMillis();
        // each of the first commits is past use at some time: looking from the beginning on is dear, so not each time
        boolean fromTheFirst =
                state.createdAtMs() < pastUseMs && mark.pastUseMs < nowMs - Math.max(1, kept.toMillis() / 24);
        long after = fromTheFirst ? 0 : mark.number;
        ClosedContent content = ClosedContent.of(state, fromTheFirst ? 0 : mark.sequence);
        long lookedMs = fromTheFirst ? nowMs : mark.pastUseMs;
        // of an open turn more will close
        Mark next = state.openTurn()
                .map(turn -> new Mark(turn.commitsBefore, turn.slotsBefore, lookedMs))
                .orElse(new Mark(state.number(), state.sequence(), lookedMs));
        long nothingIs = 0;
        return new Plan(new Pruning(after, state.number(), content, fromTheFirst ? pastUseMs : nothingIs), next);
    }
}
