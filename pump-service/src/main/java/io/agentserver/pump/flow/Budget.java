package io.agentserver.pump.flow;

import io.agentserver.organism.Handler;
import io.agentserver.organism.Organism;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** The bounds of a turn (CONTRACTS 4): hops, tokens, wall time, and what the journal may keep. */
final class Budget {
    private final Clock clock;

    Budget(Clock clock) {
        this.clock = clock;
    }

    /** Which bound the turn is past, in words for the client; empty: none. A model is not asked with no token left. */
    Optional<String> exceeded(Step step) {
        if (!step.begun().getOverLimit().isEmpty()) {
            return Optional.of(step.begun().getOverLimit());
        }
        Organism.Limits limits = step.organism().limits();
        long tokens =
                step.begun().getTokens().getInput() + step.begun().getTokens().getOutput();
        boolean asksModel =
                step.target() instanceof Target.One one && one.listener().handler() instanceof Handler.Llm;
        if (step.begun().getHops() >= limits.hops()) {
            return Optional.of("the turn took more than " + limits.hops() + " hops");
        }
        if (tokens > limits.tokens() || (asksModel && tokens >= limits.tokens())) {
            return Optional.of("the turn used more than " + limits.tokens() + " tokens");
        }
        if (!timeLeft(step).isPositive()) {
            return Optional.of("the turn took longer than " + limits.time().toSeconds() + " s");
        }
        return Optional.empty();
    }

    Duration timeLeft(Step step) {
        Instant opened = Instant.ofEpochMilli(step.begun().getTurnOpenedAtMs());
        return Duration.between(
                clock.instant(), opened.plus(step.organism().limits().time()));
    }
}
