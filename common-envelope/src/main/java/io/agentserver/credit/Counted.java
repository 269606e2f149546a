package io.agentserver.credit;

/**
 * How a call that runs counts towards its tenant's limits of a minute.
 *
 * @param slice of Redis' clock, as its scripts number them; empty: it is not counted
 * @param tokens the most that it may use
 */
public record Counted(String slice, long tokens) {
    public static final Counted NOT = new Counted("", 0);
}
