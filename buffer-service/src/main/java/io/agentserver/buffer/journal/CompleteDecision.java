package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.commit.ThreadOpened;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Letter;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.ThreadId;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** What handling a message gave, as one commit. The first complete of a message stands; later ones get what it gave. */
final class CompleteDecision {
    private final MessageKey key;
    private final CompleteRequest request;
    private final long nowMs;

    /** @throws IllegalArgumentException if the request makes no sense in any state */
    CompleteDecision(CompleteRequest request, long nowMs) {
        this.key = MessageKey.of(request.getThread(), request.getMessage());
        this.request = request;
        this.nowMs = nowMs;
        OutputRules.check(request);
    }

    Decision<CompleteReply> decide(JournalState state) {
        Optional<Completed> completion = state.completion(key);
        if (completion.isPresent()) {
            return Decision.answer(Replies.standing(completion.get()), s -> reply(s, Outcome.REPEATED));
        }
        if (state.isInFlight(key) && state.answer(key).isPresent() && !request.getSawAnswer()) {
            return beginAgain(); // its service was told that the answer is taken
        }
        if (state.isInFlight(key)) {
            return accept(state);
        }
        if (state.find(key).isEmpty() || state.queue().contains(key)) {
            return beginAgain();
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.complete(completed().setDropped(true));
        return Decision.write(draft.build(), Knowledge.REMEMBERED, s -> reply(s, Outcome.OUTPUTS_DROPPED));
    }

    private static Decision<CompleteReply> beginAgain() {
        return Decision.answer(
                Knowledge.CERTAIN,
                _ -> CompleteReply.newBuilder().setOutcome(Outcome.BEGIN_AGAIN).build());
    }

    private Decision<CompleteReply> accept(JournalState state) {
        return Decision.write(new Step(state).commit(), Knowledge.REMEMBERED, s -> reply(s, Outcome.ACCEPTED));
    }

    private CompleteReply reply(JournalState state, Outcome outcome) {
        Completed completed = state.completion(key).orElseThrow();
        CompleteReply.Builder reply =
                CompleteReply.newBuilder().setOutcome(outcome).addAllEmissions(Replies.emissions(state, completed));
        if (completed.hasLetter()) {
            reply.setLetter(completed.getLetter());
        }
        return reply.build();
    }

    private Completed.Builder completed() {
        return Completed.newBuilder()
                .setThread(key.thread().toString())
                .setMessage(key.message().toString())
                .setTokens(request.getTokens());
    }

    /** One accepted complete, while its commit is made. */
    private final class Step {
        private final JournalState state;
        private final ThreadState thread;
        private final String turn;
        private final CommitDraft draft;
        private final Completed.Builder completed = completed();
        /** Threads that this step closes. */
        private final Set<ThreadId> closing = new HashSet<>();

        private boolean outputsInFlight;
        private boolean turnEnds;

        Step(JournalState state) {
            this.state = state;
            this.thread = state.thread(key.thread()).orElseThrow();
            this.turn = state.openTurn().orElseThrow().id.toString();
            this.draft = new CommitDraft(state, nowMs);
        }

        Commit commit() {
            int place = draft.reserveCompletion();
            if (request.hasLetter()) {
                Letter letter = request.getLetter();
                completed.setLetter(letter.toBuilder().setReason(OutputRules.cut(letter.getReason())));
            }
            for (int i = 0; i < request.getOutputsCount(); i++) {
                output(request.getOutputs(i), i == 0);
            }
            if (request.getOutputsCount() == 0) {
                endUnanswerableCalls();
            }
            if (!turnEnds && !outputsInFlight && !somethingIsInFlight()) {
                endTurn(TurnState.TURN_ENDED, 0);
            }
            freeMailbox();
            if (somethingElseStops()) {
                draft.stops();
            }
            draft.complete(place, completed);
            return draft.build();
        }

        private void output(Output output, boolean first) {
            if (request.getFailed()) {
                endTurn(TurnState.TURN_FAILED, enter(output, first, false, ""));
                return;
            }
            switch (output.getKind()) {
                case FORWARD -> forward(output, first);
                case HAND_OVER -> handOver(output, first);
                case RESPOND -> respond(output, first);
                case KIND_UNSPECIFIED, UNRECOGNIZED ->
                    throw new IllegalArgumentException("outputs: message " + output.getMessage() + " has no kind");
            }
        }

        private void forward(Output output, boolean first) {
            if (!ThreadId.parse(output.getThread()).equals(thread.id)) {
                requireNew(output);
                draft.open(ThreadOpened.newBuilder()
                        .setId(output.getThread())
                        .setParent(thread.id.toString())
                        .setListener(output.getTo())
                        .setCaller(output.getFrom())
                        .setCallerThread(thread.id.toString()));
            }
            send(output, first, "");
        }

        private void handOver(Output output, boolean first) {
            requireNew(output);
            draft.open(ThreadOpened.newBuilder()
                    .setId(output.getThread())
                    .setParent(thread.handOverParent().toString())
                    .setListener(output.getTo())
                    .setCaller(thread.caller)
                    .setCallerThread(thread.callerThread.toString())
                    .setAnswersTurn(thread.answersTurn)
                    .setReplaces(thread.id.toString()));
            if (thread.isRoot()) {
                // the root stays open for the next turn, but it has left this one: its calls have nobody to answer
                thread.openCalls.forEach(this::close);
            } else {
                close(thread.id);
            }
            send(output, first, "");
        }

        private void respond(Output output, boolean first) {
            if (!ThreadId.parse(output.getThread()).equals(thread.callerThread)) {
                throw new IllegalArgumentException("outputs: a response of thread " + thread.id + " goes to thread "
                        + thread.callerThread + ", not to <" + output.getThread() + ">");
            }
            if (thread.answersTurn) {
                endTurn(TurnState.TURN_ENDED, enter(output, first, false, ""));
            } else {
                send(output, first, thread.id.toString());
                close(thread.id);
            }
        }

        private void send(Output output, boolean first, String answers) {
            completed.addEmits(enter(output, first, true, answers));
            outputsInFlight = true;
        }

        private long enter(Output output, boolean first, boolean inFlight, String answers) {
            Slot.Builder slot = Slot.newBuilder()
                    .setMessage(output.getMessage())
                    .setThread(output.getThread())
                    .setTurn(turn)
                    .setCause(key.message().toString())
                    .setFrom(output.getFrom())
                    .setTo(output.getTo())
                    .setRoot(output.getRoot())
                    .setEnvelope(output.getEnvelope())
                    .setDigest(output.getDigest())
                    .setTrace(request.getTrace())
                    .setState(SlotState.SENT);
            if (first) {
                slot.setTokens(request.getTokens())
                        .addAllReceipts(request.getReceiptsList())
                        .setNote(OutputRules.cut(request.getNote()));
            }
            return draft.enter(slot, inFlight, answers);
        }

        private void close(ThreadId id) {
            closing.add(id);
            draft.close(id);
        }

        private void endTurn(TurnState how, long responseSequence) {
            turnEnds = true;
            draft.endTurn(turn, how, responseSequence);
            // due now; named here, it is also put on the log by whoever finds this message done after a crash
            Optional.ofNullable(state.queue().peek())
                    .flatMap(state::find)
                    .ifPresent(next -> completed.addEmits(next.getSequence()));
        }

        /**
         * A chain that ends answers nobody. A call below which nothing is in flight counts as answered, or a join would
         * wait for it until the turn's time is up; if it was the last that a join waited for, the join's latest answer runs.
         */
        private void endUnanswerableCalls() {
            ThreadState silent = thread;
            while (!silent.answersTurn && nothingIsInFlightBelow(silent.id)) {
                ThreadState caller = state.thread(silent.callerThread).orElseThrow();
                ThreadId ended = silent.id;
                draft.endCall(caller.id, ended);
                if (caller.openCalls.stream().anyMatch(call -> !call.equals(ended))) {
                    return;
                }
                MessageKey latest = caller.absorbed.peekLast();
                if (latest != null) {
                    draft.release(latest);
                    completed.addEmits(state.find(latest).orElseThrow().getSequence());
                    bringNext(caller.id, Optional.empty()); // what it let pass when it was absorbed comes before it now
                    outputsInFlight = true;
                    return;
                }
                silent = caller;
            }
        }

        /** Due now; named here, it is also put on the log by whoever finds this message done after a crash. */
        private void freeMailbox() {
            if (!turnEnds && !closing.contains(thread.id)) {
                bringNext(thread.id, Optional.of(key));
            }
        }

        private void bringNext(ThreadId of, Optional<MessageKey> leaving) {
            state.nextInMailbox(of, leaving)
                    .flatMap(state::find)
                    .ifPresent(next -> completed.addEmits(next.getSequence()));
        }

        /** Another message's handler may be running for nothing from here on. */
        private boolean somethingElseStops() {
            return state.inFlight().stream()
                    .anyMatch(other -> !other.equals(key) && (turnEnds || isBelow(other.thread(), closing)));
        }

        private boolean somethingIsInFlight() {
            return state.inFlight().stream().anyMatch(other -> !other.equals(key) && !isBelow(other.thread(), closing));
        }

        private boolean nothingIsInFlightBelow(ThreadId top) {
            return state.inFlight().stream()
                    .allMatch(other -> other.equals(key) || !isBelow(other.thread(), Set.of(top)));
        }

        /** Is it, or has it among its ancestors, one of those? */
        private boolean isBelow(ThreadId id, Set<ThreadId> those) {
            for (Optional<ThreadId> at = Optional.of(id); at.isPresent(); ) {
                if (those.contains(at.get())) {
                    return true;
                }
                at = state.thread(at.get()).flatMap(known -> known.parent);
            }
            return false;
        }

        private void requireNew(Output output) {
            if (state.thread(ThreadId.parse(output.getThread())).isPresent()) {
                throw new IllegalArgumentException("outputs: thread <" + output.getThread()
                        + "> is open already; a forward or hand over to another opens one of its own");
            }
        }
    }
}
