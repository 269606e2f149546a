package io.agentserver.billing.ledger;

import java.util.List;

/** Usage by day, model and listener, in that order, and all of it added up. */
public record UsageReport(List<UsageLine> lines, UsageSum total) {
    public UsageReport {
        lines = List.copyOf(lines);
    }

    static UsageReport of(List<UsageLine> lines) {
        return new UsageReport(
                lines.stream().sorted(UsageLine.ORDER).toList(),
                lines.stream().map(UsageLine::sum).reduce(UsageSum.NONE, UsageSum::plus));
    }
}
