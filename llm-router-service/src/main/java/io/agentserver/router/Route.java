package io.agentserver.router;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Where a model's name leads: backends to be tried in this order, and what is answered when none of them answers.
 *
 * @param stub the text of the stub answer; none: 503
 * @param maxOutput tokens of an answer for which credit is held, where the request has no {@code max_tokens}
 */
record Route(String name, List<Target> chain, Optional<String> stub, Limits limits, int maxOutput) {
    static final int MAX_OUTPUT = 4096;

    /** A model at a provider. */
    record Target(Backend backend, String model) {
        String fullName() {
            return backend.provider() + "/" + model;
        }
    }

    /**
     * How long is waited.
     *
     * @param firstToken for each backend's first token; until then the next backend can take over
     * @param silence between two tokens
     * @param total from the call's arrival to the answer's end
     */
    record Limits(Duration firstToken, Duration silence, Duration total) {
        static final Limits DEFAULT =
                new Limits(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofSeconds(120));

        Limits {
            if (!firstToken.isPositive() || !silence.isPositive() || !total.isPositive()) {
                throw new IllegalArgumentException(
                        "time limits " + firstToken + ", " + silence + ", " + total + ": each must be over 0");
            }
        }
    }

    Route {
        chain = List.copyOf(chain);
        if (chain.isEmpty()) {
            throw new IllegalArgumentException("route " + name + ": its chain is empty; name at least one model");
        }
        if (maxOutput < 1) {
            throw new IllegalArgumentException("route " + name + ": max_output " + maxOutput + ": write 1 or more");
        }
    }
}
