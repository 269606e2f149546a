package io.agentserver.pump.flow;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Waits for what is away, in the lane of the message that needs it: 50 ms at first, 5 s at most, with jitter, for as long
 * as the message is held; an attempt that takes long holds no place of the gate. The message is never lost by it, and other lanes go on. What is there and fails is waited for too,
 * but for two minutes in all: it may fail at this message for ever. Safe on any thread.
 */
final class Patience {
    /** How long the pauses after failures may be in all. */
    static final Duration WITH_FAILURES = Duration.ofMinutes(2);

    private static final Logger LOG = LoggerFactory.getLogger(Patience.class);
    private static final Duration SHORTEST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(5);
    private static final int FAILURES_BETWEEN_LOG_LINES = 12;

    private final Sleep sleep;

    Patience() {
        this(Thread::sleep);
    }

    Patience(Sleep sleep) {
        this.sleep = sleep;
    }

    @FunctionalInterface
    interface Sleep {
        void sleep(Duration time) throws InterruptedException;
    }

    /** The message went to another pod, or the pump stops: nothing is left to do here. */
    static final class LetGo extends RuntimeException {
        private static final long serialVersionUID = 1L;

        LetGo() {
            super("the message is no longer held", null, false, false);
        }
    }

    /** @throws ThreadBuffer.Failed the last of two minutes */
    <T> T until(Hold hold, Supplier<T> attempt) {
        Duration withFailures = Duration.ZERO;
        for (int failures = 0; ; failures++) {
            if (hold.isLetGo()) {
                throw new LetGo();
            }
            Duration pause = backoff(failures, SHORTEST, LONGEST);
            try (Hold.Pause ifLong = hold.pauseIfLong()) {
                return attempt.get();
            } catch (UnavailableException e) {
                log(failures, e);
            } catch (ThreadBuffer.Failed e) {
                withFailures = withFailures.plus(pause);
                if (withFailures.compareTo(WITH_FAILURES) > 0) {
                    throw e;
                }
                log(failures, e);
            }
            pause(pause, hold);
        }
    }

    private static void log(int failures, RuntimeException failure) {
        if (failures % FAILURES_BETWEEN_LOG_LINES == 0) {
            LOG.warn("waiting, {} failures so far: {}", failures + 1, failure.getMessage());
        }
    }

    /** Doubled with each failure, up to the longest; between half and all of that. */
    static Duration backoff(int failures, Duration shortest, Duration longest) {
        return backoff(failures, shortest, longest, ThreadLocalRandom.current());
    }

    static Duration backoff(int failures, Duration shortest, Duration longest, RandomGenerator random) {
        long bound = Math.min(longest.toMillis(), shortest.toMillis() << Math.min(failures, 20));
        return Duration.ofMillis(random.nextLong(bound / 2, bound + 1));
    }

    void pause(Duration time, Hold hold) {
        try (Hold.Pause away = hold.pause()) {
            sleep.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LetGo();
        }
        if (hold.isLetGo()) {
            throw new LetGo();
        }
    }
}
