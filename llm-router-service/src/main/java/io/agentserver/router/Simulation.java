package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.SplittableRandom;

/**
 * How a simulated provider behaves; the same request always meets with the same.
 *
 * @param seed another one, other calls' fates
 * @param firstToken how long it thinks before its answer
 * @param perToken and before each further word
 * @param inputTokens that it says a prompt has; 0: as it counts
 * @param outputTokens that its answers have, words of a token each; 0: as long as its text is
 * @param fail share of the calls that are answered 500
 * @param rateLimit share that are answered 429
 * @param hang share that get no token
 * @param breaking share that break off in the middle
 */
record Simulation(
        long seed,
        Duration firstToken,
        Duration perToken,
        int inputTokens,
        int outputTokens,
        double fail,
        double rateLimit,
        double hang,
        double breaking) {
    /** At once, without a fault. */
    static final Simulation PLAIN = new Simulation(1, Duration.ZERO, Duration.ZERO, 0, 0, 0, 0, 0, 0);

    enum Fate {
        ANSWERED,
        FAILED,
        RATE_LIMITED,
        HANGING,
        BROKEN
    }

    /** For what is drawn for this request. */
    SplittableRandom random(ObjectNode body) {
        long mixed = seed;
        for (byte b : Json.normalForm(body)) {
            mixed = mixed * 31 + b;
        }
        return new SplittableRandom(mixed);
    }

    Fate fate(SplittableRandom random) {
        double drawn = random.nextDouble();
        if (drawn < fail) {
            return Fate.FAILED;
        }
        if (drawn < fail + rateLimit) {
            return Fate.RATE_LIMITED;
        }
        if (drawn < fail + rateLimit + hang) {
            return Fate.HANGING;
        }
        return drawn < fail + rateLimit + hang + breaking ? Fate.BROKEN : Fate.ANSWERED;
    }
}
