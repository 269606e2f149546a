package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;

import java.util.List;
import java.util.Optional;

/**
 * What belongs on the log now that an entry's time has come. A parked message wakes by it, whatever another machine's clock
 * says; a completed one may have left outputs behind; of all others nothing is owed.
 */
final class DueDecision {
    /** An entry whose commit has not come in this time goes. */
    static final long COMMIT_MS = 60_000;

    private static final Optional<List<Emission>> NOTHING = Optional.of(List.of());

    private final DueEntry entry;
    private final MessageKey key;
    private final long nowMs;

    DueDecision(DueEntry entry, long nowMs) {
        this.entry = entry;
        this.key = new MessageKey(entry.thread(), entry.message());
        this.nowMs = nowMs;
    }

    /** Empty: nothing is owed yet, and the entry stays. */
    Decision<Optional<List<Emission>>> decide(JournalState state) {
        Optional<Completed> completion = state.completion(key);
        if (completion.isPresent()) {
            return Decision.answer(
                    Knowledge.CERTAIN,
                    s -> s.completion(key)
                            .map(done -> Replies.emissions(s, done))
                            .or(() -> Optional.of(List.of())));
        }
        if (!state.isAsleep(key)) {
            return Decision.answer(Knowledge.CERTAIN, this::awake);
        }
        Parking parking = state.parking(key).orElseThrow();
        if (parking.getUntilMs() > entry.dueMs()) {
            // it was parked anew, and another entry is for that; or an answer's entry is here before its commit
            boolean mayBeAnAnswers = parking.getAwaitsAnswer() && nowMs < entry.dueMs() + COMMIT_MS;
            return Decision.answer(Knowledge.CERTAIN, _ -> mayBeAnAnswers ? Optional.empty() : NOTHING);
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.unpark(key);
        return Decision.write(draft.build(), Knowledge.REMEMBERED, this::itself);
    }

    /**
     * Woken by this entry before, and perhaps not put on the log; or the commit that the entry was made for is still on its way, and
     * would put to sleep, or answer, what nobody wakes any more if the entry went.
     */
    private Optional<List<Emission>> awake(JournalState state) {
        if (!state.isInFlight(key)) {
            return NOTHING;
        }
        boolean hasItsCommit = state.answer(key).isPresent()
                || state.parking(key)
                        .filter(parking -> parking.getUntilMs() >= entry.dueMs())
                        .isPresent();
        if (hasItsCommit) {
            return itself(state);
        }
        return nowMs < entry.dueMs() + COMMIT_MS ? Optional.empty() : NOTHING;
    }

    private Optional<List<Emission>> itself(JournalState state) {
        Optional<Slot> slot = state.find(key);
        return slot.map(found -> List.of(Replies.emission(state, found))).or(() -> NOTHING);
    }
}
