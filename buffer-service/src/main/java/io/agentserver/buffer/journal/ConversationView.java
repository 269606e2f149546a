package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Thread;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.ThreadId;

import java.util.List;
import java.util.Optional;

/** A state as readers see it. */
final class ConversationView {
    private ConversationView() {}

    /** Has it slots that a reader may see? */
    static boolean isFound(JournalState state, long oldestVisibleMs) {
        return state.number() > 0 && state.erasure().isEmpty() && state.lastActivityMs() >= oldestVisibleMs;
    }

    /** Slots up to this sequence are expired or hidden. */
    static long goneThrough(JournalState state, long oldestVisibleMs) {
        List<Slot> slots = state.slots();
        int low = 0;
        int high = slots.size();
        while (low < high) { // a journal's times never run back
            int middle = (low + high) >>> 1;
            if (slots.get(middle).getAtMs() < oldestVisibleMs) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return state.expiredThrough() + low;
    }

    /** At most {@code limit} slots after a sequence; not of one thread alone if {@code thread} is empty. */
    static List<Slot> slots(
            JournalState state, long after, int limit, Optional<ThreadId> thread, long oldestVisibleMs) {
        long from = Math.max(after, goneThrough(state, oldestVisibleMs));
        String only = thread.map(ThreadId::toString).orElse("");
        return state.slots().stream()
                .skip(Math.max(0, from - state.expiredThrough()))
                .filter(slot -> only.isEmpty() || slot.getThread().equals(only))
                .limit(limit)
                .toList();
    }

    static Conversation full(JournalState state) {
        Conversation.Builder full = brief(state).toBuilder();
        for (ThreadState thread : state.threads()) {
            full.addThreads(Thread.newBuilder()
                    .setId(thread.id.toString())
                    .setParent(thread.parent.map(ThreadId::toString).orElse(""))
                    .setListener(thread.listener)
                    .setClosed(thread.closed));
        }
        state.turns().forEach(turn -> full.addTurns(turn.toTurn()));
        return full.build();
    }

    /** Without threads and turns. */
    static Conversation brief(JournalState state) {
        return Conversation.newBuilder()
                .setId(state.conversation().toString())
                .setState(how(!openTurn(state).isEmpty(), lastEnded(state)))
                .setCreatedAtMs(state.createdAtMs())
                .setLastActivityMs(state.lastActivityMs())
                .setLastSequence(state.sequence())
                .setOpenTurn(openTurn(state))
                .setTokens(state.tokens())
                .setKeptSlots(state.slots().size())
                .setKeptBytes(state.bytes())
                .setTo(state.slots().isEmpty() ? "" : state.slots().getFirst().getTo())
                .build();
    }

    /** The open turn; between two turns the next one, for a conversation with a queue is not at rest. Empty: none. */
    static String openTurn(JournalState state) {
        return state.openTurn()
                .map(turn -> turn.id.toString())
                .or(() -> Optional.ofNullable(state.queue().peek())
                        .map(next -> next.message().toString()))
                .orElse("");
    }

    /** How the last turn has ended. */
    static TurnState lastEnded(JournalState state) {
        return state.endedTurns().isEmpty()
                ? TurnState.TURN_ENDED
                : state.endedTurns().getLast().state;
    }

    /** @param open whether a turn is open, or waits for its own */
    static ConversationState how(boolean open, TurnState lastEnded) {
        if (open) {
            return ConversationState.OPEN;
        }
        return switch (lastEnded) {
            case TURN_FAILED -> ConversationState.FAILED;
            case TURN_CANCELLED -> ConversationState.CANCELLED;
            case TURN_ENDED, TURN_OPEN, TURN_QUEUED, TURN_STATE_UNSPECIFIED, UNRECOGNIZED -> ConversationState.IDLE;
        };
    }
}
