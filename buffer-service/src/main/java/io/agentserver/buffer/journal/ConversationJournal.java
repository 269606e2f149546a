package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.journal.ConversationCache.Held;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryTenantBytes;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerReply;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.EraseReply;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Begins and completes messages: decides from a conversation's state and writes the decision as the next commit. Whoever
 * loses the race for that number decides again from fresh state, so that of any number of processes each step is taken once.
 *
 * <p>Safe on any thread; steps of one conversation in this process go one after the other. Blocks for the store: usually one
 * round trip a step, for states are remembered and writes test them. Repeating a step is safe by (thread, message).
 */
public final class ConversationJournal {
    private static final Logger log = LoggerFactory.getLogger(ConversationJournal.class);
    private static final int TRIES = 50;
    private static final int TRIES_WITHOUT_PAUSE = 3;

    private final ThreadStore store;
    private final DueStore due;
    private final Wakeups wakeups;
    private final Retention retention;
    private final Clock clock;
    private final ConversationCache cache;
    private final Briefs briefs;
    private final KeptVolume kept;
    private final TenantBytes tenants;
    private final Room room;
    private final Executor freeing;
    private volatile Closings closings = Closings.NOBODY_HEARS;

    /** One without limits, which frees what is erased on its callers' threads. */
    public ConversationJournal(
            ThreadStore store, DueStore due, Wakeups wakeups, Retention retention, long cacheBytes, Clock clock) {
        this(
                store,
                due,
                wakeups,
                retention,
                cacheBytes,
                Limits.NONE,
                new MemoryTenantBytes(retention, clock),
                Runnable::run,
                clock);
    }

    /**
     * @param cacheBytes about how much memory remembered states may take
     * @param tenants told of what this journal writes
     * @param freeing where what is erased is freed when nobody waits for that; it may refuse to
     */
    public ConversationJournal(
            ThreadStore store,
            DueStore due,
            Wakeups wakeups,
            Retention retention,
            long cacheBytes,
            Limits limits,
            TenantBytes tenants,
            Executor freeing,
            Clock clock) {
        this.store = store;
        this.due = due;
        this.wakeups = wakeups;
        this.retention = retention;
        this.clock = clock;
        this.cache = new ConversationCache(cacheBytes);
        this.briefs =
                new Briefs(store, cache, this::oldestVisibleMs, key -> look(key, state -> brief(key.tenant(), state)));
        this.kept = new KeptVolume(clock);
        this.tenants = tenants;
        this.room = new Room(limits, tenants);
        this.freeing = freeing;
    }

    /** To be called before the first step. */
    public void onClosing(Closings listener) {
        closings = listener;
    }

    /** @throws IllegalArgumentException if the request makes no sense */
    public BeginReply begin(ConversationKey key, BeginRequest request) {
        return step(key, new BeginDecision(key, request, clock.millis(), retention.of(key.tenant()), room)::decide);
    }

    /** @throws IllegalArgumentException if the request makes no sense */
    public CompleteReply complete(ConversationKey key, CompleteRequest request) {
        return step(key, new CompleteDecision(request, clock.millis())::decide);
    }

    /**
     * Puts a message that may run to sleep until its time; {@link DueIndex} wakes it.
     *
     * @throws IllegalArgumentException if the request makes no sense
     */
    public ParkReply park(ConversationKey key, ParkRequest request) {
        long askedMs = clock.millis();
        // a time that has passed is now: an entry is kept for its commit so long after its time
        long untilMs = Math.max(request.getParking().getUntilMs(), askedMs);
        ParkDecision decision = new ParkDecision(
                request.toBuilder()
                        .setParking(request.getParking().toBuilder().setUntilMs(untilMs))
                        .build(),
                askedMs);
        DueEntry entry =
                new DueEntry(key, ThreadId.parse(request.getThread()), MessageId.parse(request.getMessage()), untilMs);
        // before the commit: without it the message would sleep for ever; it is harmless if the commit never comes
        due.put(entry);
        ParkReply reply = step(key, decision::decide);
        if (reply.getOutcome() == Outcome.ACCEPTED) {
            putAgainAfterStandingStill(entry, askedMs);
        }
        return reply;
    }

    /** It may have been dropped before its commit. */
    private void putAgainAfterStandingStill(DueEntry entry, long askedMs) {
        if (clock.millis() - askedMs > DueDecision.COMMIT_MS / 2) {
            due.put(entry);
        }
    }

    /**
     * Keeps what a service says later about a message that it was handed, and makes the message due.
     *
     * @throws IllegalArgumentException if the request makes no sense
     */
    public AnswerReply answer(ConversationKey key, AnswerRequest request) {
        long askedMs = clock.millis();
        AnswerDecision decision = new AnswerDecision(request, askedMs);
        DueEntry entry =
                new DueEntry(key, ThreadId.parse(request.getThread()), MessageId.parse(request.getMessage()), askedMs);
        AnswerReply reply = step(key, state -> {
            Decision<AnswerReply> decided = decision.decide(state);
            if (decided.commit().isPresent()) {
                due.put(entry); // before each try at the commit: without it the message would sleep on
            }
            return decided;
        });
        if (reply.getOutcome() == AnswerOutcome.ANSWER_TAKEN) {
            putAgainAfterStandingStill(entry, askedMs);
        }
        return reply;
    }

    /** Ends what the client has set going so far. Repeating it is harmless. */
    public CancelReply cancel(ConversationKey key) {
        return step(key, new CancelDecision(clock.millis(), oldestVisibleMs(key.tenant()))::decide);
    }

    /**
     * Forgets what a conversation holds: first for readers and handlers, by its last commit, then in the stores. Repeating it
     * is harmless. A store that is away is no failure: the due index frees what it holds.
     */
    public EraseReply erase(ConversationKey key) {
        long askedMs = clock.millis();
        EraseDecision decision = new EraseDecision(askedMs, oldestVisibleMs(key.tenant()));
        Erasing erasing = step(key, state -> {
            Decision<EraseReply> decided = decision.decide(state);
            // before each try at the commit: should this process die after it, the entry's wake goes on
            decided.commit().ifPresent(commit -> due.put(freeing(key, commit, false)));
            return decided.with((reply, after) -> new Erasing(reply, after.erasure()));
        });
        if (erasing.erasure.isPresent()) {
            if (clock.millis() - askedMs > DueDecision.COMMIT_MS / 2) {
                due.put(freeing(key, erasing.erasure.get(), true)); // it may have been dropped before its commit
            }
            free(key, erasing.erasure.get());
        }
        return erasing.reply;
    }

    private record Erasing(EraseReply reply, Optional<Commit> erasure) {}

    private DueEntry freeing(ConversationKey key, Commit erasure, boolean isCommitted) {
        return new ErasureEntry(key, erasure.getAtMs(), isCommitted).dueAfter(clock.millis());
    }

    /** False: a copy may still hold what was erased. */
    private boolean free(ConversationKey key, Commit erasure) {
        try {
            return store.erase(key, erasure);
        } catch (StoreUnavailableException e) {
            log.warn("{} is erased, and not yet freed everywhere: {}", key, e.toString());
            return false;
        }
    }

    /** Whether a message may still take effect; by all that was committed before the call. */
    public boolean isAwaited(ConversationKey key, ThreadId thread, MessageId message) {
        MessageKey which = new MessageKey(thread, message);
        return look(key, state -> state.isInFlight(which));
    }

    /**
     * What an entry whose time has come puts on the log; no emissions: nothing, and the entry may go; empty: nothing yet, it
     * must stay.
     */
    Optional<List<Emission>> wake(DueEntry entry) {
        Optional<ErasureEntry> erasure = ErasureEntry.of(entry);
        if (erasure.isPresent()) {
            goOnErasing(erasure.get());
            return Optional.of(List.of());
        }
        ConversationKey key = entry.conversation();
        DueDecision decision = new DueDecision(entry, clock.millis());
        Waking waking =
                step(key, state -> decision.decide(state).with((owed, after) -> new Waking(owed, after.erasure())));
        waking.erasure.ifPresent(commit -> goOnErasing(new ErasureEntry(key, commit.getAtMs(), true)));
        return waking.owed;
    }

    /**
     * Again and again until nothing has it any more, be the erasure itself forgotten by then. It is put off first, and freed on another
     * thread: a store that hangs holds up nothing else that is due, and what cannot be freed is not first for ever.
     */
    private void goOnErasing(ErasureEntry entry) {
        DueEntry later = entry.dueAfter(clock.millis());
        due.put(later);
        freeLater(entry.conversation(), () -> free(entry, later));
    }

    private void free(ErasureEntry entry, DueEntry later) {
        ConversationKey key = entry.conversation();
        // what this process remembers, the stores may have forgotten, and the same id have begun anew
        Known known = afresh(key, state -> new Known(state.erasure(), state.beganMs()));
        boolean freed;
        if (known.erasure.isPresent()) {
            freed = free(key, known.erasure.get());
        } else if (known.beganMs == 0 || known.beganMs > entry.erasedAtMs()) {
            freed = freeBackup(key, entry.erasedAtMs());
        } else if (entry.isCommitted()) {
            erase(key); // it was brought back, from where nothing was known of the erasure
            freed = freeBackup(key, entry.erasedAtMs());
        } else {
            freed = true; // its commit never came
        }
        if (!freed && !entry.isCommitted()) {
            due.put(new ErasureEntry(key, entry.erasedAtMs(), true).dueAfter(clock.millis()));
        }
        if (freed || !entry.isCommitted()) {
            due.remove(later);
        }
    }

    /** If there is room; the due index asks for it again. */
    private void freeLater(ConversationKey key, Runnable free) {
        try {
            freeing.execute(() -> {
                try {
                    free.run();
                } catch (RuntimeException | Error e) {
                    OutOfMemory.endsTheProcess(e);
                    log.warn("{} is erased, and not yet freed everywhere: {}", key, e.toString());
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("{} is freed another time", key, e);
        }
    }

    /** @param beganMs 0: nothing is left of it */
    private record Known(Optional<Commit> erasure, long beganMs) {}

    /** False: the backup may still hold what had begun by then. */
    private boolean freeBackup(ConversationKey key, long erasedAtMs) {
        try {
            store.eraseBackup(key, erasedAtMs);
            return true;
        } catch (StoreUnavailableException e) {
            log.warn("{} was erased, and is not yet gone from the backup: {}", key, e.toString());
            return false;
        }
    }

    private record Waking(Optional<List<Emission>> owed, Optional<Commit> erasure) {}

    /** Has what is parked looked at when its time has come, though the due index has lost it. Repeating it is harmless. */
    public void remind(ConversationKey key) {
        look(key, JournalState::parked)
                .forEach((message, parking) ->
                        due.put(new DueEntry(key, message.thread(), message.message(), parking.getUntilMs())));
    }

    /** What this process has journalled and that is still kept. */
    public KeptVolume kept() {
        return kept;
    }

    /** What this process remembers of a tenant's conversations. */
    public void forget(TenantId tenant) {
        cache.forget(tenant);
    }

    /**
     * Looks at a state that has every commit which was acknowledged before the call. Calls that have to wait for each other
     * share one look at the store, and need none after a commit of this process that began later than they.
     */
    <R> R look(ConversationKey key, Function<JournalState, R> view) {
        return look(key, Long.MAX_VALUE, Look.CONSISTENT, view);
    }

    /** What a list shows of conversations; see {@link Briefs#of}. */
    List<Conversation> briefs(List<ConversationKey> keys) {
        return briefs.of(keys);
    }

    private Optional<Conversation> brief(TenantId tenant, JournalState state) {
        return ConversationView.isFound(state, oldestVisibleMs(tenant))
                ? Optional.of(ConversationView.brief(state))
                : Optional.empty();
    }

    /** Looks at what this process or the hot copy has; that it lacks something says nothing. */
    <R> R glance(ConversationKey key, Function<JournalState, R> view) {
        return look(key, Long.MAX_VALUE, Look.HOT, view);
    }

    /** Looks at a state that has commit {@code number}; the store is asked only if this process does not remember it. */
    <R> R look(ConversationKey key, long number, Function<JournalState, R> view) {
        return look(key, number, Look.FAST, view);
    }

    /**
     * Looks as {@link #look} does, closely, to show readers slots.
     *
     * @param suffices whether a state has the content of all that is to be shown; if not, the durable store's has
     */
    <R> R show(ConversationKey key, Predicate<JournalState> suffices, Function<JournalState, R> view) {
        return look(key, Long.MAX_VALUE, Look.CONSISTENT, System.nanoTime(), suffices, view);
    }

    /** Likewise, at a state that has commit {@code number}. */
    <R> R show(ConversationKey key, long number, Predicate<JournalState> suffices, Function<JournalState, R> view) {
        return look(key, number, Look.FAST, System.nanoTime(), suffices, view);
    }

    /** What a tenant has that is older is hidden from readers, in milliseconds since 1970. */
    long oldestVisibleMs(TenantId tenant) {
        return retention.oldestVisibleMs(tenant, clock.millis());
    }

    private <R> R look(ConversationKey key, long number, Look look, Function<JournalState, R> view) {
        return look(key, number, look, System.nanoTime(), view);
    }

    private <R> R look(ConversationKey key, long number, Look look, long asked, Function<JournalState, R> view) {
        return look(key, number, look, asked, _ -> true, view);
    }

    private <R> R look(
            ConversationKey key,
            long number,
            Look look,
            long asked,
            Predicate<JournalState> suffices,
            Function<JournalState, R> view) {
        Held held = cache.get(key);
        held.lock.lock();
        try {
            if (held.state.number() < number && !(look == Look.CONSISTENT && held.isConfirmedSince(asked))) {
                catchUp(key, held, look);
            }
            if (!suffices.test(held.state)) {
                held.forget(key); // what is pruned in the hot copy is whole in the durable one
                catchUp(key, held, Look.CONSISTENT);
            }
            return view.apply(held.state);
        } finally {
            held.lock.unlock();
        }
    }

    /** Looks at what the durable store has now, and at nothing that this process remembers. */
    private <R> R afresh(ConversationKey key, Function<JournalState, R> view) {
        Held held = cache.get(key);
        held.lock.lock();
        try {
            held.forget(key);
            catchUp(key, held, Look.CONSISTENT);
            return view.apply(held.state);
        } finally {
            held.lock.unlock();
        }
    }

    private <R> R step(ConversationKey key, Function<JournalState, Decision<R>> decide) {
        Held held = cache.get(key);
        held.lock.lock();
        try {
            Knowledge knowledge = Knowledge.REMEMBERED;
            for (int losses = 0; losses < TRIES; ) {
                Decision<R> decision = decide.apply(held.state);
                if (decision.needs().compareTo(knowledge) > 0) {
                    // one step up at a time: the fast look may show that the consistent one is not needed
                    knowledge = knowledge == Knowledge.REMEMBERED ? Knowledge.LOOKED : Knowledge.CERTAIN;
                    catchUp(key, held, knowledge == Knowledge.LOOKED ? Look.FAST : Look.CONSISTENT);
                } else if (decision.commit().isEmpty()
                        || append(key, held, decision.commit().get())) {
                    return decision.reply().apply(held.state);
                } else {
                    pause(++losses);
                    catchUpAfterLoss(key, held);
                    knowledge = Knowledge.CERTAIN;
                }
            }
            throw new ContendedException(key, TRIES);
        } finally {
            held.lock.unlock();
        }
    }

    private boolean append(ConversationKey key, Held held, Commit decided) {
        long asked = System.nanoTime();
        long keptUntilMs = Math.max(held.state.keptUntilMs(), retention.keptUntilMs(key.tenant(), decided));
        Commit commit = decided.toBuilder().setKeptUntilMs(keptUntilMs).build();
        Runnable closed = Closings.closes(commit) ? closings.closing(key) : () -> {};
        if (!store.append(key, commit, held.state.lastActivityMs())) {
            return false;
        }
        held.confirm(asked);
        long before = held.state.sequence();
        held.apply(key, List.of(commit));
        kept.add(
                key,
                held.state.sequence() - before,
                commit.getSerializedSize(),
                Duration.ofMillis(keptUntilMs - commit.getAtMs()));
        tenants.add(key.tenant(), commit.getSerializedSize());
        cache.weigh(key, held);
        wakeups.appended(key, commit.getNumber(), commit.getStops());
        closed.run();
        return true;
    }

    private void catchUp(ConversationKey key, Held held, Look look) {
        long asked = System.nanoTime();
        List<Commit> commits = store.read(key, held.state.number() + 1, look);
        if (look == Look.CONSISTENT) {
            held.confirm(asked);
        }
        if (commits.isEmpty()) {
            return;
        }
        held.apply(key, commits);
        cache.weigh(key, held);
    }

    private void catchUpAfterLoss(ConversationKey key, Held held) {
        long number = held.state.number();
        catchUp(key, held, Look.CONSISTENT);
        if (held.state.number() == number) {
            // nobody has written that number and yet it is refused: the store has lost what we remember
            held.forget(key);
            catchUp(key, held, Look.CONSISTENT);
        }
        // what this process wrote before its commit was refused may have come after all else was freed
        held.state.erasure().ifPresent(erasure -> freeLater(key, () -> free(key, erasure)));
    }

    /** Writers in other processes get a chance to finish; the lock keeps those in this one behind us. */
    private static void pause(int losses) {
        if (losses <= TRIES_WITHOUT_PAUSE) {
            return;
        }
        try {
            Thread.sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(1, 10)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
