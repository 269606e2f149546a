package io.agentserver.billing.console;

import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageReport;
import io.agentserver.billing.ledger.UsageSum;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.LocalDate;
import java.util.List;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

class UsageTableTest {
    private static final LocalDate MONDAY = LocalDate.of(2026, 3, 16);
    private static final UsageReport REPORT = report(List.of(
            line(MONDAY, "small", "a", 1, 10),
            line(MONDAY, "large", null, 2, 500),
            line(MONDAY.plusDays(1), "small", "a", 4, 40)));

    @Test
    void sums_by_its_dimension() {
        UsageTable byModel = UsageTable.of(REPORT, "model", Sorting.of("cost", "desc"), 1);
        assertThat(byModel.lines().rows()).extracting(UsageTable.Row::model).containsExactly("large", "small");
        assertThat(byModel.lines().rows()).extracting(row -> row.sum().calls()).containsExactly(2L, 5L);
        assertThat(byModel.lines().rows()).extracting(UsageTable.Row::day).containsOnly("");

        UsageTable byListener = UsageTable.of(REPORT, "listener", Sorting.of("listener", "asc"), 1);
        assertThat(byListener.lines().rows())
                .extracting(UsageTable.Row::listener)
                .containsExactly("", "a");
    }

    @Test
    void sorts_by_any_column_both_ways_and_by_day_for_one_that_is_none() {
        assertThat(UsageTable.of(REPORT, "all", Sorting.of("calls", "asc"), 1)
                        .lines()
                        .rows())
                .extracting(row -> row.sum().calls())
                .containsExactly(1L, 2L, 4L);
        assertThat(UsageTable.of(REPORT, "nonsense", Sorting.of("nonsense", "desc"), 1)
                        .lines()
                        .rows())
                .extracting(UsageTable.Row::day)
                .containsExactly("2026-03-17", "2026-03-16", "2026-03-16");
    }

    @Test
    void pages_and_stays_within_its_pages() {
        UsageReport long60 = report(IntStream.range(0, 60)
                .mapToObj(i -> line(MONDAY.plusDays(i), "small", "a", 1, 1))
                .toList());
        Sorting byDay = Sorting.of("day", "asc");
        assertThat(UsageTable.of(long60, "day", byDay, 1).lines().rows()).hasSize(25);
        UsageTable last = UsageTable.of(long60, "day", byDay, 99);
        assertThat(last.lines().page()).isEqualTo(3);
        assertThat(last.lines().rows()).hasSize(10);
        assertThat(UsageTable.of(long60, "day", byDay, -5).lines().page()).isEqualTo(1);
        assertThat(UsageTable.of(report(List.of()), "day", byDay, 1).lines().pages())
                .isEqualTo(1);
    }

    private static UsageReport report(List<UsageLine> lines) {
        return new UsageReport(lines, lines.stream().map(UsageLine::sum).reduce(UsageSum.NONE, UsageSum::plus));
    }

    private static UsageLine line(LocalDate day, String model, @Nullable String listener, int calls, long price) {
        return new UsageLine(
                day, model, listener, new UsageSum(calls, 10, 0, 5, new MicroUsd(price / 2), new MicroUsd(price)));
    }
}
