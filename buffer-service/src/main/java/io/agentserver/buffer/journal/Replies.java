package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.MessageId;

import java.util.List;

/** What a state's slots look like to the callers of begin and complete. */
final class Replies {
    private Replies() {}

    /** A completion stands for ever, but for an absorbed answer: it may be released since, and here because of that. */
    static Knowledge standing(Completed completed) {
        return completed.getAbsorbed() ? Knowledge.CERTAIN : Knowledge.REMEMBERED;
    }

    /**
     * What a completed message owes the log. What is no longer in flight or queued has been read from there: were it put
     * there again whenever the message comes again, it would bring all its own outputs again, and they theirs.
     */
    static List<Emission> emissions(JournalState state, Completed completed) {
        return completed.getEmitsList().stream()
                .filter(sequence -> sequence > state.expiredThrough())
                .map(state::slot)
                .filter(slot -> state.isAwaited(MessageKey.of(slot)))
                .map(slot -> emission(state, slot))
                .toList();
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
                .setOrganismVersion(state.turn(MessageId.parse(slot.getTurn()))
                        .map(turn -> turn.organismVersion)
                        .orElse(0L))
                .build();
    }
}
