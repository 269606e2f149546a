package io.agentserver.pump.handler;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What came of handling a message. */
public sealed interface HandlerResult {
    Spent spent();

    /** Done; no outputs: the chain ends here. */
    record Done(List<HandlerOutput> outputs, Spent spent) implements HandlerResult {
        public Done {
            outputs = List.copyOf(outputs);
        }
    }

    /**
     * It failed in a way that may be over soon: run it again, and if that does not help tell the caller.
     *
     * @param reason for the log and the dead letter
     * @param message for the caller: no topology, no stack trace
     * @param answered whom the handler called did answer, as with a 429: it is well, and this call must wait
     */
    record Again(SystemErrors.Code code, String reason, String message, Spent spent, boolean answered)
            implements HandlerResult {
        public Again(SystemErrors.Code code, String reason, String message, Spent spent) {
            this(code, reason, message, spent, false);
        }
    }

    /** It failed, and would again: the caller gets the error. A {@link SystemErrors.Code#BUDGET} ends the turn. */
    record Failed(SystemErrors.Code code, String message, Spent spent) implements HandlerResult {}

    /** Nothing to do before then: the message sleeps, and the handler runs again, with {@link HandlerCall#waitedUntil} set. */
    record Later(Instant until, Spent spent) implements HandlerResult {}

    /**
     * Whom the handler called has taken the message and says later what comes of it, until then. The message sleeps, and that
     * does not count as its turn's time; the handler does not run again.
     */
    record Awaiting(Instant until) implements HandlerResult {
        @Override
        public Spent spent() {
            return Spent.NOTHING;
        }
    }

    /**
     * It was not run, for whom it calls needs rest: no attempt of this message's. It sleeps, and that counts as its turn's time.
     *
     * @param reason for the log and, if the turn has not that much time, for the dead letter
     * @param message for the caller, then
     */
    record Resting(Duration pause, String reason, String message) implements HandlerResult {
        @Override
        public Spent spent() {
            return Spent.NOTHING;
        }
    }

    static HandlerResult respond(String payload) {
        return new Done(List.of(new HandlerOutput.Respond(payload)), Spent.NOTHING);
    }

    static HandlerResult failed(SystemErrors.Code code, String message) {
        return new Failed(code, message, Spent.NOTHING);
    }
}
