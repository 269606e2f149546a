package io.agentserver.buffer.journal;

import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;

/** May this message sleep? Only one that may run. Parked again, it sleeps until the later word. */
final class ParkDecision {
    private final MessageKey key;
    private final ParkRequest request;
    private final long nowMs;

    /** @throws IllegalArgumentException if the request makes no sense in any state */
    ParkDecision(ParkRequest request, long nowMs) {
        this.key = MessageKey.of(request.getThread(), request.getMessage());
        this.request = request;
        this.nowMs = nowMs;
        if (request.getParking().getAttempts() < 0) {
            throw new IllegalArgumentException(
                    "attempts: <" + request.getParking().getAttempts() + "> is less than 0");
        }
    }

    Decision<ParkReply> decide(JournalState state) {
        if (state.completion(key).isPresent()) {
            return Decision.answer(Replies.standing(state.completion(key).get()), _ -> reply(Outcome.REPEATED));
        }
        // answered while its service was still being asked: begin gives the answer
        if (!state.isInFlight(key) || state.isBehind(key) || state.answer(key).isPresent()) {
            return Decision.answer(Knowledge.CERTAIN, _ -> reply(Outcome.BEGIN_AGAIN));
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.park(key, request.getParking());
        return Decision.write(draft.build(), Knowledge.REMEMBERED, _ -> reply(Outcome.ACCEPTED));
    }

    private static ParkReply reply(Outcome outcome) {
        return ParkReply.newBuilder().setOutcome(outcome).build();
    }
}
