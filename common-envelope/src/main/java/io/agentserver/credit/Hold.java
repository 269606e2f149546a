package io.agentserver.credit;

import java.time.Duration;
import java.util.UUID;

/**
 * What is set aside of a tenant's credit for one call.
 *
 * @param owner who took it, or took it over when it had lapsed; nobody else's word on it counts
 * @param amount micro-USD, 0 to {@link #MOST}
 * @param life after that it lapses, by Redis' own clock
 * @param details for whoever finds it lapsed
 */
public record Hold(UUID receipt, UUID owner, long amount, Duration life, String details) {
    /** A million dollars, as much as the ledger takes for one call: sums of many are exact in a script's numbers, which are doubles. */
    public static final long MOST = 1_000_000_000_000L;

    public Hold {
        if (amount < 0 || amount > MOST) {
            throw new IllegalArgumentException(
                    "hold " + receipt + ": " + amount + " micro-USD are not between 0 and " + MOST);
        }
        if (life.toMillis() < 1) {
            throw new IllegalArgumentException("hold " + receipt + ": lives " + life + ", and must some milliseconds");
        }
    }

    /** With an owner of its own. */
    public static Hold of(UUID receipt, long amount, Duration life, String details) {
        return new Hold(receipt, UUID.randomUUID(), amount, life, details);
    }

    public Hold living(Duration rest) {
        return new Hold(receipt, owner, amount, rest, details);
    }
}
