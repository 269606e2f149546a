package io.agentserver.router;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Keeps calls from one backend that would not answer them: while its breaker is open, while it wants to be left alone
 * ({@code Retry-After}), and over so many at once. Never waits. Safe on any thread.
 *
 * <p>Only what no caller can bring about by what it asks for counts against a backend: it cannot be reached, breaks off, is
 * silent, answers 5xx or rubbish. A model that it does not know, or a key that it does not take, does not.
 */
final class Guard {
    private static final Duration LONGEST = Duration.ofMinutes(5);
    private static final Duration SOON = Duration.ofSeconds(1);

    private final CircuitBreaker breaker;
    private final Limits limits;
    private final Semaphore places;
    private final LongSupplier nanos;
    private final AtomicLong aloneUntil;

    /**
     * @param mostAtOnce calls that run at the backend
     * @param window the breaker opens when half of so many calls have failed, or of a quarter of them where there were no more
     * @param rest how long it stays open before calls are tried again
     */
    record Limits(int mostAtOnce, int window, Duration rest) {
        static final Limits DEFAULT = new Limits(4_000, 20, Duration.ofSeconds(10));
        static final Limits NONE = new Limits(Integer.MAX_VALUE, 20, Duration.ofSeconds(10));

        private CircuitBreakerConfig breaker(LongSupplier nanos) {
            return CircuitBreakerConfig.custom()
                    .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                    .slidingWindowSize(window)
                    .minimumNumberOfCalls(Math.ceilDiv(window, 4))
                    .failureRateThreshold(50)
                    .waitDurationInOpenState(rest)
                    .permittedNumberOfCallsInHalfOpenState(2)
                    .clock(new Ticks(nanos))
                    .build();
        }
    }

    /** Whether a call may go. */
    sealed interface Entry {
        record Free(Pass pass) implements Entry {}

        /**
         * @param reason why not, for a message and a metric
         * @param left for how long at least
         */
        record Closed(String reason, Duration left) implements Entry {}
    }

    Guard(String name, Limits limits) {
        this(name, limits, System::nanoTime);
    }

    Guard(String name, Limits limits, LongSupplier nanos) {
        this.breaker = CircuitBreaker.of(name, limits.breaker(nanos));
        this.limits = limits;
        this.places = new Semaphore(limits.mostAtOnce());
        this.nanos = nanos;
        this.aloneUntil = new AtomicLong(nanos.getAsLong());
    }

    Entry enter() {
        long left = aloneUntil.get() - nanos.getAsLong();
        if (left > 0) {
            return new Entry.Closed("wants to be left alone", Duration.ofNanos(left));
        }
        if (!places.tryAcquire()) {
            return new Entry.Closed("has " + limits.mostAtOnce() + " calls already", SOON);
        }
        if (!breaker.tryAcquirePermission()) {
            places.release();
            return new Entry.Closed("has failed too often", SOON);
        }
        return new Entry.Free(new Pass());
    }

    /** How many calls run at it. */
    int running() {
        return limits.mostAtOnce() - places.availablePermits();
    }

    boolean isOpen() {
        return breaker.getState() == CircuitBreaker.State.OPEN;
    }

    /** One call's. What is said first of how it went counts; a break may follow an answer. */
    final class Pass {
        private final Stopwatch since = new Stopwatch();
        private final AtomicBoolean told = new AtomicBoolean();
        private final AtomicBoolean left = new AtomicBoolean();

        private Pass() {}

        /** It has begun to answer. */
        void answered() {
            if (told.compareAndSet(false, true)) {
                breaker.onSuccess(since.elapsed().toNanos(), TimeUnit.NANOSECONDS);
            }
        }

        /** It gave no first token. */
        void failed(String reason) {
            if (told.compareAndSet(false, true)) {
                error(reason);
            }
        }

        /** It has begun and did not end. */
        void broke(String reason) {
            error(reason);
        }

        void refused(int status, Optional<Duration> retryAfter) {
            if (retryAfter.isPresent() && (status == 429 || status >= 500)) {
                Duration alone = retryAfter.get();
                long until = nanos.getAsLong() + (alone.compareTo(LONGEST) > 0 ? LONGEST : alone).toNanos();
                aloneUntil.accumulateAndGet(until, (known, asked) -> asked - known > 0 ? asked : known);
            }
            if (status >= 500 || status == 408) {
                failed("answered " + status);
            } else {
                givenUp();
            }
        }

        /** Nothing is known of how it would have gone. */
        void givenUp() {
            if (told.compareAndSet(false, true)) {
                breaker.releasePermission();
            }
        }

        /** Nothing of it runs any more; how it went may be told after that. */
        void leave() {
            if (left.compareAndSet(false, true)) {
                places.release();
            }
        }

        private void error(String reason) {
            breaker.onError(since.elapsed().toNanos(), TimeUnit.NANOSECONDS, new BackendFailedException(reason));
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
