package io.agentserver.credit;

import java.time.Duration;
import java.util.List;
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
     * @param over the limits that would have refused it, were they not there in shadow alone
     */
    record Held(String epoch, Counted counted, Minute minute, List<Limit> over) implements Reservation {
        public Held {
            over = List.copyOf(over);
        }

        /** Where there are no limits. */
        public Held(String epoch) {
            this(epoch, Counted.NOT, Minute.UNLIMITED, List.of());
        }
    }

    /**
     * It is over some limits.
     *
     * @param over all of them, first the one that is to be waited for longest
     * @param retryAfter when as much of all of them will be free again, if nobody else takes it; empty: never, it is more than
     *     a limit itself
     */
    record Limited(List<Limit> over, Optional<Duration> retryAfter, Minute minute) implements Reservation {
        public Limited {
            over = List.copyOf(over);
        }

        /** The one that is to be waited for longest. */
        public Limit limit() {
            return over.getFirst();
        }
    }

    /** @param available micro-USD; 0 or less, or less than was asked for */
    record Exhausted(long available, Minute minute) implements Reservation {
        /** Where there are no limits. */
        public Exhausted(long available) {
            this(available, Minute.UNLIMITED);
        }
    }

    /** What the tenant has is not known: it is new, or Redis has lost it. Billing opens it within seconds. */
    record Closed(Minute minute) implements Reservation {
        /** Where there are no limits. */
        public Closed() {
            this(Minute.UNLIMITED);
        }
    }
}
