package io.agentserver.credit;

/**
 * What a call has cost of its tenant's credit and of its limits of a minute.
 *
 * @param price micro-USD, 0 or more; may be over what was held
 * @param requests 1; 0: it counts as if it had never been
 * @param tokens 0 or more; may be over what was held
 */
public record Spent(long price, int requests, long tokens) {
    /** Of a call that nobody has answered. */
    public static final Spent NOTHING = new Spent(0, 0, 0);

    public Spent {
        if (price < 0 || requests < 0 || requests > 1 || tokens < 0) {
            throw new IllegalArgumentException("spent: " + price + " micro-USD, " + requests + " requests, " + tokens
                    + " tokens; none is below 0");
        }
    }
}
