package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Parking;
import io.agentserver.organism.Listener;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.handler.MessageHandler;
import io.agentserver.pump.handler.ServiceOutputs;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.trace.Tracing;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs a listener's handler: on a virtual thread of its own that is interrupted when its time is over, and again, after a
 * growing pause, while it fails in a way that may pass and the listener has retries left. Blocks its lane meanwhile.
 */
final class HandlerRuns {
    private static final Logger LOG = LoggerFactory.getLogger(HandlerRuns.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** A longer pause is slept in the journal. */
    private static final Duration LONGEST_IN_LANE = Duration.ofSeconds(5);
    /** What takes longer is put into the journal's care, for twice that time, each time. */
    static final Duration PARK_AFTER = Duration.ofSeconds(30);

    /** A buffer that is older than this pump does not say how long; this is the default's. */
    private static final Duration KEPT = Duration.ofHours(23);

    private final Handlers handlers;
    private final Tracing tracing;
    private final Budget budget;
    private final PumpMetrics metrics;
    private final Patience patience;
    private final Parkings parkings;
    private final RunningHandlers running;
    private final Duration parkAfter;
    private final Clock clock;

    HandlerRuns(
            Handlers handlers,
            Tracing tracing,
            Budget budget,
            PumpMetrics metrics,
            Patience patience,
            Parkings parkings,
            RunningHandlers running,
            Duration parkAfter,
            Clock clock) {
        this.handlers = handlers;
        this.tracing = tracing;
        this.budget = budget;
        this.metrics = metrics;
        this.patience = patience;
        this.parkings = parkings;
        this.running = running;
        this.parkAfter = parkAfter;
        this.clock = clock;
    }

    sealed interface Run {
        record Finished(HandlerResult result) implements Run {}

        /** There is nothing to do before its time. */
        record Later(Parking parking) implements Run {}

        /** All attempts failed. */
        record GivenUp(HandlerResult.Again last, Spent spent, int attempts, Instant firstFailure) implements Run {}
    }

    Run run(Step step, Listener listener, Hold hold) {
        Parking before = step.begun().getParking();
        Spent spent = Parkings.spentBefore(step);
        Instant firstFailure =
                before.getFirstFailureMs() > 0 ? Instant.ofEpochMilli(before.getFirstFailureMs()) : Instant.MAX;
        if (step.begun().hasAnswer()) {
            byte[] answer = step.begun().getAnswer().getContent().getBytes(StandardCharsets.UTF_8);
            HandlerResult result = ServiceOutputs.of(answer, listener);
            return new Run.Finished(withSpent(result, spent));
        }
        if (before.getAwaitsAnswer()) {
            return unanswered(before, spent);
        }
        for (int attempt = before.getAttempts() + 1; ; attempt++) {
            HandlerResult result = once(step, listener, parking(attempt - 1, firstFailure, spent), hold);
            if (result instanceof HandlerResult.Later later) {
                return new Run.Later(
                        parking(attempt - 1, firstFailure, later.spent().after(spent))
                                .setUntilMs(later.until().toEpochMilli())
                                .setWaits(true)
                                .build());
            }
            if (result instanceof HandlerResult.Awaiting awaiting) {
                return new Run.Later(parking(attempt, firstFailure, spent)
                        .setUntilMs(awaiting.until().toEpochMilli())
                        .setWaits(true)
                        .setAwaitsAnswer(true)
                        .build());
            }
            if (result instanceof HandlerResult.Resting resting) {
                return resting(step, resting, attempt - 1, firstFailure, spent);
            }
            if (!(result instanceof HandlerResult.Again again)) {
                return new Run.Finished(withSpent(result, result.spent().after(spent)));
            }
            spent = again.spent().after(spent);
            firstFailure = firstFailure.equals(Instant.MAX) ? clock.instant() : firstFailure;
            LOG.warn("attempt {} of {} failed: {}", attempt, listener.retries() + 1, again.reason());
            Duration pause = Patience.backoff(attempt - 1, FIRST_PAUSE, LONGEST_PAUSE);
            if (attempt > listener.retries() || budget.timeLeft(step).compareTo(pause) <= 0) {
                tellUnwanted(call(step, listener)); // what it asked may still be at it
                return new Run.GivenUp(again, spent, attempt, firstFailure);
            }
            metrics.retry();
            if (pause.compareTo(LONGEST_IN_LANE) > 0) {
                return new Run.Later(parking(attempt, firstFailure, spent)
                        .setUntilMs(clock.instant().plus(pause).toEpochMilli())
                        .build());
            }
            patience.pause(pause, hold);
        }
    }

    /** Its service has taken it: asking once more would be no retry but a second order. */
    private Run unanswered(Parking waited, Spent spent) {
        Instant until = Instant.ofEpochMilli(waited.getUntilMs());
        HandlerResult.Again last = new HandlerResult.Again(
                Code.TIMEOUT,
                "the service answered 202 and said no more by " + until,
                "the handler did not answer in time",
                Spent.NOTHING);
        return new Run.GivenUp(
                last,
                spent,
                waited.getAttempts(),
                waited.getFirstFailureMs() > 0 ? Instant.ofEpochMilli(waited.getFirstFailureMs()) : until);
    }

    /** Nothing was tried, so no attempt is used up; the turn's time is what ends it. */
    private Run resting(Step step, HandlerResult.Resting resting, int attempts, Instant firstFailure, Spent spent) {
        Instant first = firstFailure.equals(Instant.MAX) ? clock.instant() : firstFailure;
        LOG.info("not run: {}", resting.reason());
        if (budget.timeLeft(step).compareTo(resting.pause()) <= 0) {
            HandlerResult.Again last =
                    new HandlerResult.Again(Code.HANDLER, resting.reason(), resting.message(), spent);
            return new Run.GivenUp(last, spent, attempts, first);
        }
        return new Run.Later(parking(attempts, first, spent)
                .setUntilMs(clock.instant().plus(resting.pause()).toEpochMilli())
                .build());
    }

    private static Parking.Builder parking(int attempts, Instant firstFailure, Spent spent) {
        return Parking.newBuilder()
                .setAttempts(attempts)
                .setFirstFailureMs(firstFailure.equals(Instant.MAX) ? 0 : firstFailure.toEpochMilli())
                .addAllCalls(Parkings.calls(spent));
    }

    /** @param parking what is journalled if the handler takes long */
    private HandlerResult once(Step step, Listener listener, Parking.Builder parking, Hold hold) {
        HandlerCall call = call(step, listener);
        long started = System.nanoTime();
        MessageHandler handler = handlers.of(listener.handler());
        String kind = Handlers.kindOf(listener.handler());
        HandlerResult result = tracing.inHandler(
                kind,
                listener.name(),
                HandlerRuns::failureOf,
                () -> handler.isInstant() ? atOnce(handler, call) : bounded(handler, call, step, parking, hold));
        metrics.handled(
                kind,
                result.getClass().getSimpleName().toLowerCase(Locale.ROOT),
                Duration.ofNanos(System.nanoTime() - started));
        return result;
    }

    private HandlerCall call(Step step, Listener listener) {
        Duration left = budget.timeLeft(step);
        Duration time = left.compareTo(listener.timeout()) < 0 ? left : listener.timeout();
        return new HandlerCall(
                step.tenant(),
                step.conversation(),
                step.thread(),
                step.turn(),
                step.message(),
                listener,
                step.organism(),
                step.begun().getCaller(),
                step.begun().getHistoryList(),
                time.isPositive() ? time : Duration.ofMillis(1),
                step.begun().getOrganismVersion(),
                answerBy(step, listener),
                longestWait(step),
                step.begun().getParking().getWaits()
                        ? Instant.ofEpochMilli(step.begun().getParking().getUntilMs())
                        : null);
    }

    private void tellUnwanted(HandlerCall call) {
        MessageHandler handler = handlers.of(call.listener().handler());
        Thread.ofVirtual().name("unwanted").start(() -> handler.unwanted(call));
    }

    /** For the trace: the code that a caller would get. */
    private static Optional<String> failureOf(HandlerResult result) {
        return switch (result) {
            case HandlerResult.Failed failed -> Optional.of(failed.code().wireName());
            case HandlerResult.Again again -> Optional.of(again.code().wireName());
            case HandlerResult.Done _, HandlerResult.Later _, HandlerResult.Awaiting _, HandlerResult.Resting _ ->
                Optional.empty();
        };
    }

    private static Duration longestWait(Step step) {
        return step.begun().getLongestWaitMs() > 0
                ? Duration.ofMillis(step.begun().getLongestWaitMs())
                : KEPT;
    }

    /** The listener's timeout, if it has one; and no wait outlives its conversation. */
    private Instant answerBy(Step step, Listener listener) {
        Instant now = clock.instant();
        Instant kept = step.begun().getKeepsUntilMs() > 0
                ? Instant.ofEpochMilli(step.begun().getKeepsUntilMs())
                : now.plus(KEPT);
        if (listener.answerWithin() == null) {
            return kept;
        }
        Instant within = now.plus(listener.answerWithin());
        return within.isBefore(kept) ? within : kept;
    }

    private static HandlerResult atOnce(MessageHandler handler, HandlerCall call) {
        try {
            return handler.handle(call);
        } catch (RuntimeException | StackOverflowError e) {
            return thrown(call, e);
        }
    }

    private static HandlerResult thrown(HandlerCall call, @Nullable Throwable failure) {
        LOG.error("the handler of {} threw", call.listener().name(), failure);
        return new HandlerResult.Again(
                Code.HANDLER, "the handler threw " + failure, "the handler failed", Spent.NOTHING);
    }

    private HandlerResult bounded(
            MessageHandler handler, HandlerCall call, Step step, Parking.Builder parking, Hold hold) {
        CompletableFuture<HandlerResult> result = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual()
                .name("handler-" + call.listener().name())
                .start(tracing.carry(() -> {
                    try {
                        result.complete(handler.handle(call));
                    } catch (RuntimeException | Error e) {
                        result.completeExceptionally(e);
                    }
                }));
        hold.whenLetGo(() -> result.completeExceptionally(new Patience.LetGo()));
        try (RunningHandlers.Running stoppable =
                running.add(step, () -> result.completeExceptionally(new StepChanged()))) {
            return awaited(result, call, step, parking, hold);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StepChanged changed) {
                LOG.info(
                        "nobody waits for the handler of {} any more: stopped",
                        call.listener().name());
                tellUnwanted(call);
                throw changed;
            }
            if (e.getCause() instanceof Patience.LetGo letGo) {
                LOG.debug(
                        "the handler of {} runs elsewhere: stopped",
                        call.listener().name());
                throw letGo;
            }
            return thrown(call, e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Patience.LetGo();
        } finally {
            thread.interrupt(); // of no effect if it has ended
        }
    }

    /** What takes long goes into the journal's care, again and again, so that another pump takes it over if this one dies. */
    private HandlerResult awaited(
            CompletableFuture<HandlerResult> result, HandlerCall call, Step step, Parking.Builder parking, Hold hold)
            throws ExecutionException, InterruptedException {
        long end = System.nanoTime() + call.time().toNanos();
        while (true) {
            long left = end - System.nanoTime();
            try (Hold.Pause away = hold.pause()) {
                return result.get(Math.min(left, parkAfter.toNanos()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                if (left <= parkAfter.toNanos()) {
                    return new HandlerResult.Again(
                            Code.TIMEOUT,
                            "the handler took longer than " + call.time().toMillis() + " ms",
                            "the handler did not answer in time",
                            Spent.NOTHING);
                }
            }
            parking.setUntilMs(clock.instant().plus(parkAfter).plus(parkAfter).toEpochMilli());
            if (!parkings.isParked(step, parking.build(), hold)) {
                throw new StepChanged();
            }
            hold.detach();
        }
    }

    private static HandlerResult withSpent(HandlerResult result, Spent spent) {
        return switch (result) {
            case HandlerResult.Done done -> new HandlerResult.Done(done.outputs(), spent);
            case HandlerResult.Failed failed -> new HandlerResult.Failed(failed.code(), failed.message(), spent);
            case HandlerResult.Again again ->
                new HandlerResult.Again(again.code(), again.reason(), again.message(), spent);
            case HandlerResult.Later later -> new HandlerResult.Later(later.until(), spent);
            case HandlerResult.Awaiting awaiting -> awaiting;
            case HandlerResult.Resting resting -> resting;
        };
    }
}
