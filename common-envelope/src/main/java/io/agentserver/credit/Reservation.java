package io.agentserver.credit;

/** What came of asking for credit. */
public sealed interface Reservation {
    /**
     * It is held.
     *
     * @param epoch since when credit has been open without a loss of Redis between
     */
    record Held(String epoch) implements Reservation {}

    /** @param available micro-USD; 0 or less, or less than was asked for */
    record Exhausted(long available) implements Reservation {}

    /** What the tenant has is not known: it is new, or Redis has lost it. Billing opens it within seconds. */
    record Closed() implements Reservation {}
}
