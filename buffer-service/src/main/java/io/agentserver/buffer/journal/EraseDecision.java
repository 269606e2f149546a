package io.agentserver.buffer.journal;

import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.EraseReply;

/** The client's word that nothing of a conversation shall be kept. It is the conversation's last commit. */
final class EraseDecision {
    private final long nowMs;
    private final long oldestVisibleMs;

    EraseDecision(long nowMs, long oldestVisibleMs) {
        this.nowMs = nowMs;
        this.oldestVisibleMs = oldestVisibleMs;
    }

    Decision<EraseReply> decide(JournalState state) {
        if (state.erasure().isPresent()) {
            return Decision.answer(Knowledge.REMEMBERED, _ -> reply(true));
        }
        if (state.number() == 0) {
            return Decision.answer(Knowledge.CERTAIN, _ -> reply(false));
        }
        // readers have lost it already, the store has not
        boolean visible = ConversationView.isFound(state, oldestVisibleMs);
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.erase();
        draft.stops();
        return Decision.write(draft.build(), Knowledge.LOOKED, _ -> reply(visible));
    }

    private static EraseReply reply(boolean found) {
        return EraseReply.newBuilder().setFound(found).build();
    }
}
