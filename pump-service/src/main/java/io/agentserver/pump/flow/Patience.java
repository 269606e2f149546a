package io.agentserver.pump.flow;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Waits for what is away, in the lane of the message that needs it: 50 ms at first, 5 s at most, with jitter, for as long
 * as the message is held. The message is never lost by it, and other lanes go on.
 */
final class Patience {
    private static final Logger LOG = LoggerFactory.getLogger(Patience.class);
    private static final Duration SHORTEST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(5);
    private static final int FAILURES_BETWEEN_LOG_LINES = 12;

    private Patience() {}

    /** The message went to another pod, or the pump stops: nothing is left to do here. */
    static final class LetGo extends RuntimeException {
        private static final long serialVersionUID = 1L;

        LetGo() {
            super("the message is no longer held", null, false, false);
        }
    }

    static <T> T until(Hold hold, Supplier<T> attempt) {
        for (int failures = 0; ; failures++) {
            if (hold.isLetGo()) {
                throw new LetGo();
            }
            try {
                return attempt.get();
            } catch (UnavailableException e) {
                if (failures % FAILURES_BETWEEN_LOG_LINES == 0) {
                    LOG.warn("waiting, {} failures so far: {}", failures + 1, e.getMessage());
                }
            }
            sleep(backoff(failures, SHORTEST, LONGEST), hold);
        }
    }

    /** Doubled with each failure, up to the longest; between half and all of that. */
    static Duration backoff(int failures, Duration shortest, Duration longest) {
        long bound = Math.min(longest.toMillis(), shortest.toMillis() << Math.min(failures, 20));
        return Duration.ofMillis(ThreadLocalRandom.current().nextLong(bound / 2, bound + 1));
    }

    static void sleep(Duration time, Hold hold) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LetGo();
        }
        if (hold.isLetGo()) {
            throw new LetGo();
        }
    }
}
