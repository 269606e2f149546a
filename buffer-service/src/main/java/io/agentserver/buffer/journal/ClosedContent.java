package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.ThreadId;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Takes from commits what no decision needs any more: the content of slots of closed threads that are in no open thread's
 * history, and late answers that have been handled. What a state says so once, every later one says too, so it may be an old one.
 */
final class ClosedContent implements UnaryOperator<Commit> {
    /** Sequences. */
    private final Set<Long> slots;
    /** Whose late answers may still be handed to a handler. */
    private final Set<MessageKey> inFlight;

    private ClosedContent(Set<Long> slots, Set<MessageKey> inFlight) {
        this.slots = slots;
        this.inFlight = inFlight;
    }

    /** @param after the slots up to this sequence are not looked at */
    static ClosedContent of(JournalState state, long after) {
        List<ThreadState> open =
                state.threads().stream().filter(thread -> !thread.closed).toList();
        Set<Long> slots = new HashSet<>();
        List<Slot> all = state.slots();
        for (int i = (int) Math.max(0, after - state.expiredThrough()); i < all.size(); i++) {
            Slot slot = all.get(i);
            boolean closed = state.thread(ThreadId.parse(slot.getThread()))
                    .filter(thread -> thread.closed)
                    .isPresent();
            if (closed && open.stream().noneMatch(thread -> thread.remembers(slot.getSequence()))) {
                slots.add(slot.getSequence());
            }
        }
        return new ClosedContent(slots, Set.copyOf(state.inFlight()));
    }

    @Override
    public Commit apply(Commit commit) {
        Commit.Builder pruned = commit.toBuilder();
        for (int i = 0; i < commit.getChangesCount(); i++) {
            Change change = commit.getChanges(i);
            if (change.hasEntry()) {
                pruned.setChanges(i, Change.newBuilder().setEntry(prune(change.getEntry())));
            } else if (change.hasAnswered()) {
                pruned.setChanges(i, Change.newBuilder().setAnswered(prune(change.getAnswered())));
            }
        }
        return pruned.build();
    }

    private Entry prune(Entry entry) {
        if (!slots.contains(entry.getSlot().getSequence()) || entry.getPruned() > 0) {
            return entry;
        }
        Slot bare = entry.getSlot().toBuilder()
                .clearEnvelope()
                .clearNote()
                .clearTrace()
                .clearDigest()
                .build();
        int less = entry.getSlot().getSerializedSize() - bare.getSerializedSize();
        return less > 0 ? entry.toBuilder().setSlot(bare).setPruned(less).build() : entry;
    }

    private Answered prune(Answered answered) {
        if (inFlight.contains(MessageKey.of(answered.getThread(), answered.getMessage())) || !answered.hasAnswer()) {
            return answered;
        }
        return answered.toBuilder()
                .setDigest(AnswerDecision.digest(answered))
                .clearAnswer()
                .build();
    }
}
