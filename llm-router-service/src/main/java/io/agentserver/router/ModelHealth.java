package io.agentserver.router;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** What is known of one model at one backend: its breaker, and until when it is to be left alone. Safe on any thread. */
final class ModelHealth {
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final CircuitBreaker breaker;
    private final LongSupplier nanos;
    private final AtomicLong aloneUntil;

    /** @param nanos the monotonic clock */
    ModelHealth(Guard.Limits limits, LongSupplier nanos) {
        this.breaker = CircuitBreaker.of("model", config(limits, nanos));
        this.nanos = nanos;
        this.aloneUntil = new AtomicLong(nanos.getAsLong());
    }

    private static CircuitBreakerConfig config(Guard.Limits limits, LongSupplier nanos) {
        return CircuitBreakerConfig.custom()
                .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(limits.window())
                .minimumNumberOfCalls(Math.ceilDiv(limits.window(), 4))
                .failureRateThreshold(50)
                .waitDurationInOpenState(limits.rest())
                .permittedNumberOfCallsInHalfOpenState(2)
                .clock(new Ticks(nanos))
                .build();
    }

    /** For how long it is to be left alone from now on; 0 or less: it is not. */
    Duration alone() {
        return Duration.ofNanos(aloneUntil.get() - nanos.getAsLong());
    }

    /** At most five minutes are believed; the longest of several counts. */
    void leaveAlone(Duration asked) {
        long until = nanos.getAsLong() + (asked.compareTo(LONGEST) > 0 ? LONGEST : asked).toNanos();
        aloneUntil.accumulateAndGet(until, (known, next) -> next - known > 0 ? next : known);
    }

    boolean isOpen() {
        return breaker.getState() == CircuitBreaker.State.OPEN;
    }

    /** To ask it once; empty while its breaker is open. */
    Optional<Permission> permission() {
        return breaker.tryAcquirePermission() ? Optional.of(new Permission()) : Optional.empty();
    }

    /** Of a call that has no permission, for nothing was known when it began: else only what fails of many at once counted. */
    void answered() {
        breaker.onSuccess(0, TimeUnit.NANOSECONDS);
    }

    /** Likewise, or of one that broke off after its first token. */
    void failed(String reason) {
        error(new Stopwatch(), reason);
    }

    private void error(Stopwatch since, String reason) {
        breaker.onError(since.elapsed().toNanos(), TimeUnit.NANOSECONDS, new BackendFailedException(reason));
    }

    /** One call's; one of these is to be said once. */
    final class Permission {
        private final Stopwatch since = new Stopwatch();

        private Permission() {}

        void answered() {
            breaker.onSuccess(since.elapsed().toNanos(), TimeUnit.NANOSECONDS);
        }

        void failed(String reason) {
            error(since, reason);
        }

        void givenUp() {
            breaker.releasePermission();
        }
    }

    /** Of the monotonic clock: the wall clock may jump. */
    private static final class Ticks extends Clock {
        private final LongSupplier nanos;

        Ticks(LongSupplier nanos) {
            this.nanos = nanos;
        }

        @Override
        public Instant instant() {
            return Instant.EPOCH.plusNanos(nanos.getAsLong());
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException("ticks have no zone");
        }
    }

    /** For the breaker alone. */
    private static final class BackendFailedException extends Exception {
        private static final long serialVersionUID = 1L;

        BackendFailedException(String reason) {
            super(reason, null, false, false);
        }
    }
}
