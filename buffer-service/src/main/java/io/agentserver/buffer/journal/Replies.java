package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.MessageId;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a state's slots look like to the callers of begin and complete. */
final class Replies {
    private Replies() {}

    /** A completion stands for ever, but for an absorbed answer: it may be released since, and here because of that. */
    static Knowledge standing(Completed completed) {
        return completed.getAbsorbed() ? Knowledge.CERTAIN : Knowledge.REMEMBERED;
    }

    /**
     * What a completed message owes the log: what it made that is in flight or queued, and what those that it made and that are
     * completed owe. They may have been completed by a pump that took them from an old place in the log and died before their
     * outputs were there; nobody else would bring those. What has taken effect is not put there again: it would bring all its
     * own outputs again, and they theirs.
     */
    static List<Emission> emissions(JournalState state, Completed completed) {
        List<Emission> owed = new ArrayList<>();
        Deque<Completed> debtors = new ArrayDeque<>(List.of(completed));
        Set<Long> seen = new HashSet<>();
        while (!debtors.isEmpty()) {
            for (long sequence : debtors.remove().getEmitsList()) {
                if (sequence > state.expiredThrough() && seen.add(sequence)) {
                    Slot slot = state.slot(sequence);
                    if (state.isAwaited(MessageKey.of(slot))) {
                        owed.add(emission(state, slot));
                    } else {
                        state.completion(MessageKey.of(slot)).ifPresent(debtors::add);
                    }
                }
            }
        }
        return List.copyOf(owed);
    }

    static Emission emission(JournalState state, Slot slot) {
        return Emission.newBuilder()
                .setMessage(slot.getMessage())
                .setThread(slot.getThread())
                .setEnvelope(slot.getEnvelope())
                .setClient(slot.getCause().isEmpty())
                .setConversation(state.conversation().toString())
                .setTurn(slot.getTurn())
                .setCause(slot.getCause())
                .setTrace(slot.getTrace())
                .setOrganismVersion(state.turn(MessageId.parse(slot.getTurn()))
                        .map(turn -> turn.organismVersion)
                        .orElse(0L))
                .build();
    }
}
