package io.agentserver.billing.console;

import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageReport;
import io.agentserver.billing.ledger.UsageSum;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A usage report as a table that sorts and pages. */
record UsageTable(Paged<Row> lines, String by, Sorting sorting, UsageSum total) {
    static final List<String> DIMENSIONS = List.of("day", "model", "listener", "all");

    private static final Map<String, Comparator<Row>> ORDERS = Map.of(
            "day", Comparator.comparing(Row::day),
            "model", Comparator.comparing(Row::model),
            "listener", Comparator.comparing(Row::listener),
            "calls", Comparator.comparingLong(row -> row.sum().calls()),
            "input", Comparator.comparingLong(row -> row.sum().inputTokens()),
            "cached", Comparator.comparingLong(row -> row.sum().cachedInputTokens()),
            "output", Comparator.comparingLong(row -> row.sum().outputTokens()),
            "cost", Comparator.comparing(row -> row.sum().price()));

    /** What its dimension leaves out is empty; an empty listener is a client's own call. */
    record Row(String day, String model, String listener, UsageSum sum) {}

    /** @param page from 1; one past the end is the last */
    static UsageTable of(UsageReport report, String by, Sorting sorting, int page) {
        String dimension = DIMENSIONS.contains(by) ? by : "all";
        Map<List<String>, Row> grouped = new LinkedHashMap<>();
        for (UsageLine line : report.lines()) {
            Row row = row(line, dimension);
            grouped.merge(
                    List.of(row.day(), row.model(), row.listener()),
                    row,
                    (a, b) -> new Row(a.day(), a.model(), a.listener(), a.sum().plus(b.sum())));
        }
        Comparator<Row> order = Objects.requireNonNull(ORDERS.getOrDefault(sorting.by(), ORDERS.get("day")));
        List<Row> all = grouped.values().stream()
                .sorted((sorting.descending() ? order.reversed() : order)
                        .thenComparing(Row::day, Comparator.reverseOrder())
                        .thenComparing(Row::model)
                        .thenComparing(Row::listener))
                .toList();
        return new UsageTable(Paged.of(all, page), dimension, sorting, report.total());
    }

    private static Row row(UsageLine line, String by) {
        boolean all = by.equals("all");
        return new Row(
                all || by.equals("day") ? line.day().toString() : "",
                all || by.equals("model") ? line.model() : "",
                all || by.equals("listener") ? Objects.requireNonNullElse(line.listener(), "") : "",
                line.sum());
    }
}
