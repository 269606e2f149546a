package io.agentserver.billing.usage;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageReport;
import io.agentserver.billing.ledger.UsageSum;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;

import java.time.LocalDate;
import java.util.List;

/** {@code {"data":[{"day","model","listener","calls",…}],"total":{"calls",…}}}; money in micro-US-dollars. */
record UsageBody(List<Line> data, Sum total) {

    record Line(
            LocalDate day,
            String model,
            @Nullable String listener,
            @JsonUnwrapped Sum sum) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Sum(
            long calls,
            long inputTokens,
            long cachedInputTokens,
            long outputTokens,
            long costMicrousd,
            long priceMicrousd) {
        static Sum of(UsageSum sum) {
            return new Sum(
                    sum.calls(),
                    sum.inputTokens(),
                    sum.cachedInputTokens(),
                    sum.outputTokens(),
                    sum.cost().value(),
                    sum.price().value());
        }
    }

    static UsageBody of(UsageReport report) {
        return new UsageBody(report.lines().stream().map(UsageBody::line).toList(), Sum.of(report.total()));
    }

    private static Line line(UsageLine line) {
        return new Line(line.day(), line.model(), line.listener(), Sum.of(line.sum()));
    }
}
