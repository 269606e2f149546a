package io.agentserver.tenancy;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * So many a second in the long run; whoever has paused may have saved up so many.
 *
 * @param perSecond 1 to 1,000,000
 * @param burst the most at once, {@code perSecond} to 10 minutes' worth
 */
public record RateLimit(@JsonProperty("per_second") int perSecond, int burst) {
    private static final int MOST_PER_SECOND = 1_000_000;
    private static final long LONGEST_SAVING_S = 600;

    public RateLimit {
        if (perSecond < 1 || perSecond > MOST_PER_SECOND) {
            throw new IllegalArgumentException("per_second: must be 1 to " + MOST_PER_SECOND);
        }
        if (burst < perSecond || burst > LONGEST_SAVING_S * perSecond) {
            throw new IllegalArgumentException(
                    "burst: must be per_second to " + LONGEST_SAVING_S + " times per_second");
        }
    }
}
