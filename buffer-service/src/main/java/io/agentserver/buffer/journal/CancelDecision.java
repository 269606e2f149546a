package io.agentserver.buffer.journal;

import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.TurnState;

/** The client's word that nothing of what it has sent so far shall go on. The conversation takes new messages. */
final class CancelDecision {
    private final long nowMs;
    private final long oldestVisibleMs;

    CancelDecision(long nowMs, long oldestVisibleMs) {
        this.nowMs = nowMs;
        this.oldestVisibleMs = oldestVisibleMs;
    }

    Decision<CancelReply> decide(JournalState state) {
        if (!ConversationView.isFound(state, oldestVisibleMs)) {
            return Decision.answer(
                    Knowledge.CERTAIN,
                    _ -> CancelReply.newBuilder().setFound(false).build());
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        state.openTurn().ifPresent(turn -> {
            draft.endTurn(turn.id.toString(), TurnState.TURN_CANCELLED, 0);
            draft.stops();
        });
        draft.cancel();
        return Decision.write(
                draft.build(),
                Knowledge.LOOKED,
                s -> CancelReply.newBuilder()
                        .setFound(true)
                        .setConversation(ConversationView.brief(s))
                        .build());
    }
}
