package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.organism.Listener;
import io.agentserver.pump.flow.DeadLetters.Letter;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.SystemErrors;
import io.agentserver.pump.handler.SystemErrors.Code;

import java.util.List;
import java.util.Optional;

/**
 * From a message that may run to what the journal gets: bounds checked, handler run, outputs stamped; whatever goes wrong
 * becomes an answer of {@code core}'s. Blocks the lane. Writes nothing.
 */
final class Work {
    private static final int PAGE = 50; // slots of 1 MiB are still one answer

    private final HandlerRuns runs;
    private final Budget budget;
    private final ThreadBuffer buffer;
    private final Patience patience;

    Work(HandlerRuns runs, Budget budget, ThreadBuffer buffer, Patience patience) {
        this.runs = runs;
        this.budget = budget;
        this.buffer = buffer;
        this.patience = patience;
    }

    Handled complete(Step step, Hold hold) {
        Optional<String> past = budget.exceeded(step);
        if (past.isPresent()) {
            return endOfTurn(step, past.get(), Spent.NOTHING, hold);
        }
        return switch (step.target()) {
            case Target.One(Listener listener) ->
                isUnfitFor(step, listener) ? huh(step) : handled(step, listener, hold);
            case Target.Broadcast(List<Listener> takers) ->
                stamped(step, Broadcasts.copies(step, takers), Spent.NOTHING);
            case Target.BroadcastAnswer _ -> stamped(step, List.of(Broadcasts.answers(step)), Spent.NOTHING);
            case Target.Nobody _ -> error(step, Code.ROUTING, SystemErrors.UNREACHABLE, false, Spent.NOTHING);
        };
    }

    /**
     * The gateway has checked a client's payload, perhaps against an older organism. Outputs were checked when they were
     * stamped, answers have no schema of their receiver's, and the platform's own {@code <boot>} is outside all schemas.
     */
    private static boolean isUnfitFor(Step step, Listener listener) {
        return step.message().meta().isClients()
                && !step.message().meta().from().equals("system")
                && !listener.payload().validate(step.message().payload()).isEmpty();
    }

    private Handled handled(Step step, Listener listener, Hold hold) {
        return switch (runs.run(step, listener, hold)) {
            case HandlerRuns.Run.Finished(HandlerResult.Done done) -> stamped(step, done.outputs(), done.spent());
            case HandlerRuns.Run.Finished(HandlerResult.Failed failed) ->
                failed.code() == Code.BUDGET
                        ? endOfTurn(step, failed.message(), failed.spent(), hold)
                        : error(step, failed.code(), failed.message(), false, failed.spent());
            case HandlerRuns.Run.Finished(HandlerResult.Again again) ->
                error(step, again.code(), again.message(), true, again.spent());
            case HandlerRuns.Run.Finished(HandlerResult.Later later) ->
                throw new IllegalStateException("a wait until " + later.until() + " is no end");
            case HandlerRuns.Run.Finished(HandlerResult.Awaiting awaiting) ->
                throw new IllegalStateException("a wait until " + awaiting.until() + " is no end");
            case HandlerRuns.Run.Finished(HandlerResult.Resting resting) ->
                throw new IllegalStateException("a rest of " + resting.pause() + " is no end");
            case HandlerRuns.Run.Later(Parking parking) -> new Asleep(parking);
            case HandlerRuns.Run.GivenUp givenUp -> {
                Optional<String> past = budget.exceeded(step);
                if (past.isPresent()) {
                    yield endOfTurn(step, past.get(), givenUp.spent(), hold);
                }
                HandlerResult.Again last = givenUp.last();
                yield error(step, last.code(), last.message(), true, givenUp.spent())
                        .with(new Letter(last.reason(), givenUp.attempts(), givenUp.firstFailure()));
            }
        };
    }

    private static Completion stamped(Step step, List<HandlerOutput> outputs, Spent spent) {
        return switch (Stamper.stamp(step, outputs)) {
            case Stamper.Stamping.Stamped(List<StampedOutput> fit) -> new Completion(fit, spent, false);
            case Stamper.Stamping.Unfit(Code code, String message) -> error(step, code, message, false, spent);
        };
    }

    private static Completion huh(Step step) {
        String payload = SystemErrors.huh(
                "the payload is not valid for its receiver", step.message().payload());
        return new Completion(List.of(Stamper.fromCore(step, payload)), Spent.NOTHING, step.answersTurn());
    }

    /** The caller gets the error in the handler's place; at the root that is the turn's failure. */
    private static Completion error(Step step, Code code, String message, boolean retryAllowed, Spent spent) {
        String payload = SystemErrors.systemError(code, message, retryAllowed);
        return new Completion(List.of(Stamper.fromCore(step, payload)), spent, step.answersTurn());
    }

    /** The journal did not take the outputs. */
    static Completion refused(Step step, Spent spent, Letter why) {
        return error(step, Code.HANDLER, "the handler's outputs were not accepted", false, spent)
                .with(why);
    }

    /** What could be done has failed, and not in the handler. */
    static Completion givenUp(Step step, Letter why) {
        return error(step, Code.HANDLER, "the message could not be handled", true, Spent.NOTHING)
                .with(why);
    }

    /** Past a bound: the client gets the error, the turn ends failed, wherever in its tree this happens. */
    private Completion endOfTurn(Step step, String message, Spent spent, Hold hold) {
        String client = step.answersTurn() ? step.begun().getCaller() : patience.until(hold, () -> clientOfTurn(step));
        String payload = SystemErrors.systemError(Code.BUDGET, message, false);
        return new Completion(List.of(Stamper.toClient(step, client, payload)), spent, true);
    }

    /** Who sent the message that opened the turn: it is in the root thread. */
    private String clientOfTurn(Step step) {
        long after = 0;
        while (true) {
            ReadReply page = buffer.read(ReadRequest.newBuilder()
                    .setTenant(step.tenant().value())
                    .setConversation(step.conversation().toString())
                    .setThread(step.conversation().toString())
                    .setAfter(after)
                    .setLimit(PAGE)
                    .build());
            for (Slot slot : page.getSlotsList()) {
                if (slot.getMessage().equals(step.begun().getTurn())) {
                    return slot.getFrom();
                }
                after = slot.getSequence();
            }
            if (page.getSlotsCount() == 0) {
                return "client"; // its slot is past its TTL; the name is for people
            }
        }
    }
}
