package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Slot;

import java.util.List;
import java.util.Optional;

/**
 * What belongs on the log now that an entry's time has come. A parked message wakes by it, whatever another machine's clock
 * says; a completed one may have left outputs behind; of all others nothing is owed.
 */
final class DueDecision {
    private final DueEntry entry;
    private final MessageKey key;
    private final long nowMs;

    DueDecision(DueEntry entry, long nowMs) {
        this.entry = entry;
        this.key = new MessageKey(entry.thread(), entry.message());
        this.nowMs = nowMs;
    }

    Decision<List<Emission>> decide(JournalState state) {
        Optional<Completed> completion = state.completion(key);
        if (completion.isPresent()) {
            return Decision.answer(
                    Knowledge.CERTAIN,
                    s -> s.completion(key)
                            .map(done -> Replies.emissions(s, done))
                            .orElse(List.of()));
        }
        if (!state.isAsleep(key)) {
            // awake: its commit never came, or it was woken by this entry before, and perhaps not put on the log
            return Decision.answer(Knowledge.CERTAIN, s -> s.isInFlight(key) ? itself(s) : List.of());
        }
        if (state.parking(key).orElseThrow().getUntilMs() > entry.dueMs()) {
            return Decision.answer(Knowledge.CERTAIN, _ -> List.of()); // parked anew: another entry is for that
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.unpark(key);
        return Decision.write(draft.build(), Knowledge.REMEMBERED, this::itself);
    }

    private List<Emission> itself(JournalState state) {
        Optional<Slot> slot = state.find(key);
        return slot.map(found -> List.of(Replies.emission(state, found))).orElse(List.of());
    }
}
