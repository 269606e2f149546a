package io.agentserver.organism;

/**
 * What all schemas of one organism together may cost to compile and to keep. A step is about a nanosecond on one core, so the
 * most is seconds; each pod that reads the organism pays it again. Used once, on one thread.
 */
final class SchemaBudget {

    static final long MOST_STEPS = 2_000_000_000;

    private static final long STEPS_A_SCHEMA = 1_000_000;
    private static final long STEPS_A_CHARACTER = 100;

    private long left = MOST_STEPS;

    /** Whether a schema that was counted as {@code steps} still fits; the steps are gone either way. */
    boolean takeSchema(String xsd, long steps) {
        return take(STEPS_A_SCHEMA) && takeText(xsd) && take(steps);
    }

    /** The same for a schema made from fields, which is compiled when first used: its text alone. */
    boolean takeText(String xsd) {
        return take(STEPS_A_CHARACTER * xsd.length());
    }

    private boolean take(long steps) {
        left = Math.max(-1, left - Math.min(steps, MOST_STEPS + 1));
        return left >= 0;
    }
}
