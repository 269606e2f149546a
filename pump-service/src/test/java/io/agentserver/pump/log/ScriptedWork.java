package io.agentserver.pump.log;

import io.agentserver.pump.flow.Hold;
import io.agentserver.pump.flow.LogMessage;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Work that ends when, and as, a test says. After a failure its lane does not pause: it is interrupted. */
final class ScriptedWork implements Lanes.MessageWork {
    private final Set<Call> running = ConcurrentHashMap.newKeySet();

    enum Outcome {
        FINISHED,
        NOT_FINISHED,
        EXCEPTION,
        ERROR
    }

    /** A message that is being handled. */
    static final class Call {
        final LogMessage message;
        final Hold hold;
        private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

        Call(LogMessage message, Hold hold) {
            this.message = message;
            this.hold = hold;
        }
    }

    @Override
    public boolean handle(LogMessage message, Hold hold) {
        Call call = new Call(message, hold);
        running.add(call);
        Outcome outcome = call.outcome.join();
        if (outcome == Outcome.FINISHED) {
            return true;
        }
        Thread.currentThread().interrupt(); // or the lane would sleep before it goes on
        return switch (outcome) {
            case FINISHED, NOT_FINISHED -> false;
            case EXCEPTION -> throw new IllegalStateException("a test's");
            case ERROR -> throw new StackOverflowError("a test's");
        };
    }

    void end(Call call, Outcome outcome) {
        running.remove(call);
        call.outcome.complete(outcome);
    }

    Set<Call> running() {
        return running;
    }
}
