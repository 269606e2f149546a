package io.agentserver.buffer.grpc;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.function.Supplier;

/** How long each call takes, with its stores; waiting for a turn is not timed, for that is what it is for. */
final class CallTimers {
    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final MeterRegistry meters;

    CallTimers(MeterRegistry meters) {
        this.meters = meters;
    }

    /** By a name of its own, as the two that make up a step have. */
    Timer step(String name) {
        return Timer.builder("agentserver.buffer." + name)
                .description("time of a " + name + ", with its store")
                .publishPercentileHistogram()
                .register(meters);
    }

    Timer call(String call) {
        return Timer.builder("agentserver.buffer.call")
                .tag("call", call)
                .description("time of another call, with its store")
                .publishPercentileHistogram()
                .minimumExpectedValue(SHORTEST)
                .maximumExpectedValue(LONGEST)
                .register(meters);
    }

    static <T> T timed(Timer timer, Supplier<T> call) {
        long begun = System.nanoTime();
        try {
            return call.get();
        } finally {
            timer.record(Duration.ofNanos(System.nanoTime() - begun));
        }
    }
}
