package io.agentserver.billing.ledger;

import org.jspecify.annotations.Nullable;

import java.time.LocalDate;
import java.util.Comparator;
import java.util.Objects;

/** What one listener (null: clients themselves) used of one model on one day in UTC. */
public record UsageLine(
        LocalDate day, String model, @Nullable String listener, UsageSum sum) {
    static final Comparator<UsageLine> ORDER = Comparator.comparing(UsageLine::day)
            .thenComparing(UsageLine::model)
            .thenComparing(line -> Objects.requireNonNullElse(line.listener(), ""));
}
