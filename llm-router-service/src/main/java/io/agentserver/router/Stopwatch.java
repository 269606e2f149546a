package io.agentserver.router;

import java.time.Duration;

/** Time since it was made, by the monotonic clock: the wall clock may jump. */
final class Stopwatch {
    private final long started = System.nanoTime();

    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - started);
    }

    /** What is left of a limit; negative past it. */
    Duration left(Duration limit) {
        return limit.minus(elapsed());
    }
}
