package io.agentserver.buffer.journal;

import io.agentserver.buffer.journal.Wakeups.Waiter;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.v1.CaughtUp;
import io.agentserver.buffer.v1.Erased;
import io.agentserver.buffer.v1.Gap;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.TenantId;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Sends a conversation's slots to a watcher as they are journalled, in order and without gaps, each turn's end after the
 * slots of its step. Runs on the watcher's own (virtual) thread until the watcher goes, the conversation is erased or the
 * service stops.
 */
public final class ConversationWatch {
    private static final int SLOTS_AT_ONCE = 100;
    private static final WatchEvent ERASED =
            WatchEvent.newBuilder().setErased(Erased.getDefaultInstance()).build();

    private final ConversationJournal journal;
    private final Wakeups wakeups;
    private final ConversationKey key;
    private final Predicate<TenantId> deleted;
    private final Watcher watcher;

    private long after;
    /** How many of the ended turns have been told or are older than where the watcher began; negative: not yet known. */
    private int turnsTold = -1;

    private final Pauses pauses;
    /** The last commit of the state that it looked at. */
    private long known;

    private boolean caughtUp;
    private boolean idle;
    private boolean erased;

    /**
     * @param after the sequence of the last slot that the watcher has; 0: none
     * @param deleted tenants of whom nothing is shown: their conversations are erased
     */
    public ConversationWatch(
            ConversationJournal journal,
            Wakeups wakeups,
            ConversationKey key,
            long after,
            Predicate<TenantId> deleted,
            Watcher watcher) {
        this(journal, wakeups, key, after, deleted, watcher, Pauses.usual());
    }

    ConversationWatch(
            ConversationJournal journal,
            Wakeups wakeups,
            ConversationKey key,
            long after,
            Predicate<TenantId> deleted,
            Watcher watcher,
            Pauses pauses) {
        if (after < 0) {
            throw new IllegalArgumentException("after: <" + after + "> is less than 0");
        }
        this.journal = journal;
        this.wakeups = wakeups;
        this.key = key;
        this.after = after;
        this.deleted = deleted;
        this.watcher = watcher;
        this.pauses = pauses;
    }

    /** Where events go. */
    public interface Watcher {
        /** May block while the watcher is slow. */
        void send(WatchEvent event);

        boolean isGone();
    }

    /** @return whether the watcher has been told all there will ever be: the conversation is erased; else it has gone, or the service stops */
    public boolean run() {
        try (Waiter waiter = wakeups.register(key)) {
            List<WatchEvent> events = List.of();
            if (!deleted.test(key.tenant())) {
                events = journal.show(key, this::suffices, this::next);
            }
            while (!isOver()) {
                if (deleted.test(key.tenant())) {
                    watcher.send(ERASED);
                    return true;
                }
                events.forEach(watcher::send);
                if (erased) {
                    return true;
                }
                if (!events.isEmpty()) {
                    pauses.restart();
                    events = journal.show(key, 0, this::suffices, this::next);
                    continue;
                }
                waiter.knows(known);
                long number = waiter.await(pauses.next(idle && !wakeups.isDeaf()));
                // the poll is the safety net for a lost wake-up and for a stale copy, so it looks closely
                events = number > 0
                        ? journal.show(key, number, this::suffices, this::next)
                        : journal.show(key, this::suffices, this::next);
            }
            return false;
        }
    }

    private boolean suffices(JournalState state) {
        return state.isWholeAfter(after);
    }

    private boolean isOver() {
        return watcher.isGone() || wakeups.isClosed();
    }

    /** What the watcher lacks of this state, a portion of it; empty: nothing. */
    private List<WatchEvent> next(JournalState state) {
        List<WatchEvent> events = new ArrayList<>();
        known = state.number();
        idle = ConversationView.openTurn(state).isEmpty();
        long oldest = journal.oldestVisibleMs(key.tenant());
        long gone = ConversationView.goneThrough(state, oldest);
        if (turnsTold < 0) {
            turnsTold = (int) state.endedTurns().stream()
                    .filter(turn -> turn.endedAfterSequence < after)
                    .count();
        }
        if (gone > after) {
            events.add(WatchEvent.newBuilder()
                    .setGap(Gap.newBuilder().setThrough(gone))
                    .build());
            after = gone;
        }
        if (state.erasure().isPresent()) {
            erased = true;
            events.add(ERASED);
            return events;
        }
        tellTurns(state, events);
        for (Slot slot : ConversationView.slots(state, after, SLOTS_AT_ONCE, Optional.empty(), oldest)) {
            events.add(WatchEvent.newBuilder().setSlot(slot).build());
            after = slot.getSequence();
            tellTurns(state, events);
        }
        if (!caughtUp && after >= state.sequence()) {
            caughtUp = true;
            events.add(WatchEvent.newBuilder()
                    .setCaughtUp(CaughtUp.newBuilder()
                            .setSequence(state.sequence())
                            .setOpenTurn(ConversationView.openTurn(state))
                            .setFound(ConversationView.isFound(state, oldest)))
                    .build());
        }
        return events;
    }

    private void tellTurns(JournalState state, List<WatchEvent> events) {
        while (turnsTold < state.endedTurns().size() && state.endedTurns().get(turnsTold).endedAfterSequence <= after) {
            events.add(WatchEvent.newBuilder()
                    .setTurnEnded(state.endedTurns().get(turnsTold++).toTurn())
                    .build());
        }
    }
}
