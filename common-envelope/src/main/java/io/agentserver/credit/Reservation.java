package io.agentserver.credit;

import java.time.Duration;
import java.util.Optional;

/** What came of asking for credit, and for a place within the limits. */
public sealed interface Reservation {
    /** A limit of {@link io.agentserver.tenancy.LlmLimits}. */
    enum Limit {
        REQUESTS,
        TOKENS,
        CONCURRENCY
    }

    /**
     * It is held.
     *
     * @param epoch since when credit has been open without a loss of Redis between
     * @param counted how it counts, to be told when it is settled
     * @param minute what is left after it
     * @param over the limit that would have refused it, were it not there in shadow alone
     */
    record Held(String epoch, Counted counted, Minute minute, Optional<Limit> over) implements Reservation {
        /** Where there are no limits. */
        public Held(String epoch) {
            this(epoch, Counted.NOT, Minute.UNLIMITED, Optional.empty());
        }
    }

    /**
     * It is over a limit.
     *
     * @param retryAfter when as much will be free again, if nobody else takes it; empty: never, it is more than the limit itself
     */
    record Limited(Limit limit, Optional<Duration> retryAfter, Minute minute) implements Reservation {}

    /** @param available micro-USD; 0 or less, or less than was asked for */
    record Exhausted(long available) implements Reservation {}

    /** What the tenant has is not known: it is new, or Redis has lost it. Billing opens it within seconds. */
    record Closed() implements Reservation {}
}
