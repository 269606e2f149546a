package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.commit.CallEnded;
import io.agentserver.buffer.commit.Cancelled;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.commit.Parked;
import io.agentserver.buffer.commit.Released;
import io.agentserver.buffer.commit.ThreadClosed;
import io.agentserver.buffer.commit.ThreadOpened;
import io.agentserver.buffer.commit.TurnEnded;
import io.agentserver.buffer.commit.TurnOpened;
import io.agentserver.buffer.commit.Unparked;
import io.agentserver.buffer.commit.Waiting;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.ThreadId;

/** The next commit of a state in the making: numbers it and its slots. Confined to one decision. */
final class CommitDraft {
    private final JournalState state;
    private final Commit.Builder commit;
    private long sequence;

    CommitDraft(JournalState state, long nowMs) {
        this.state = state;
        sequence = state.sequence();
        commit = Commit.newBuilder()
                .setNumber(state.number() + 1)
                // another process's clock may be ahead of ours; the journal's time never runs back
                .setAtMs(Math.max(nowMs, state.lastActivityMs()))
                .setSequenceBefore(sequence);
    }

    /** @return the slot's sequence */
    long enter(Slot.Builder slot, boolean inFlight, String answers) {
        slot.setSequence(++sequence).setAtMs(commit.getAtMs());
        commit.addChanges(Change.newBuilder()
                .setEntry(Entry.newBuilder().setSlot(slot).setInFlight(inFlight).setAnswers(answers)));
        return sequence;
    }

    void openTurn(TurnOpened.Builder opened) {
        commit.addChanges(Change.newBuilder().setTurnOpened(opened));
    }

    void endTurn(String turn, TurnState state, long responseSequence) {
        commit.addChanges(Change.newBuilder()
                .setTurnEnded(
                        TurnEnded.newBuilder().setTurn(turn).setState(state).setResponseSequence(responseSequence)));
    }

    void open(ThreadOpened.Builder opened) {
        commit.addChanges(Change.newBuilder().setThreadOpened(opened));
    }

    void close(ThreadId thread) {
        commit.addChanges(
                Change.newBuilder().setThreadClosed(ThreadClosed.newBuilder().setId(thread.toString())));
    }

    void endCall(ThreadId caller, ThreadId thread) {
        commit.addChanges(Change.newBuilder()
                .setCallEnded(CallEnded.newBuilder()
                        .setCallerThread(caller.toString())
                        .setThread(thread.toString())));
    }

    void release(MessageKey key) {
        commit.addChanges(Change.newBuilder()
                .setReleased(Released.newBuilder()
                        .setThread(key.thread().toString())
                        .setMessage(key.message().toString())));
    }

    void park(MessageKey key, Parking parking) {
        commit.addChanges(Change.newBuilder()
                .setParked(Parked.newBuilder()
                        .setThread(key.thread().toString())
                        .setMessage(key.message().toString())
                        .setParking(parking)));
    }

    void unpark(MessageKey key) {
        commit.addChanges(Change.newBuilder()
                .setUnparked(Unparked.newBuilder()
                        .setThread(key.thread().toString())
                        .setMessage(key.message().toString())));
    }

    /** And wakes it. */
    void answer(MessageKey key, LateAnswer answer) {
        commit.addChanges(Change.newBuilder()
                .setAnswered(Answered.newBuilder()
                        .setThread(key.thread().toString())
                        .setMessage(key.message().toString())
                        .setAnswer(answer)));
    }

    void queueInMailbox(MessageKey key) {
        commit.addChanges(Change.newBuilder()
                .setWaiting(Waiting.newBuilder()
                        .setThread(key.thread().toString())
                        .setMessage(key.message().toString())));
    }

    void cancel() {
        commit.addChanges(
                Change.newBuilder().setCancelled(Cancelled.newBuilder().setAtMs(commit.getAtMs())));
    }

    /** Forgets all. Nothing else may be in the same commit. */
    void erase() {
        commit.addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()));
    }

    /** Something in flight loses by it whoever waited for it. */
    void stops() {
        commit.setStops(true);
    }

    /** Reserves the place of the completion, which comes first and names slots that come later. */
    int reserveCompletion() {
        commit.addChanges(Change.getDefaultInstance());
        return commit.getChangesCount() - 1;
    }

    void complete(int place, Completed.Builder completed) {
        commit.setChanges(place, Change.newBuilder().setCompleted(completed));
    }

    void complete(Completed.Builder completed) {
        complete(reserveCompletion(), completed);
    }

    Commit build() {
        if (commit.getChangesList().stream().noneMatch(Change::hasErased)) {
            commit.setBrief(BriefAfter.of(state, commit));
        }
        return commit.build();
    }
}
