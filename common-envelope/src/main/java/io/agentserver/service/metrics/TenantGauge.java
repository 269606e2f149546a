package io.agentserver.service.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.DoubleBinaryOperator;

/**
 * A gauge with the label {@code tenant}, of whom there may be a hundred thousand: the tenants that rank first have a series
 * each, a bounded number of them, and the rest have one together, {@value #OTHER}. A tenant that has no value any more has no
 * series any more; without any tenant there is one at 0 whose label is empty, so that the metric is there from the start. Safe
 * on any thread.
 */
public final class TenantGauge {
    /** No tenant's id has a {@code _}. */
    public static final String OTHER = "_other";

    private static final Map<String, Double> NOBODY = Map.of("", 0.0);

    private final MeterRegistry registry;
    private final Meaning meaning;
    private final int most;
    private final Comparator<Map.Entry<String, Double>> ranking;
    private final Map<String, Row> rows = new HashMap<>();

    /**
     * @param name as Micrometer writes names, with dots
     * @param unit a base unit of Prometheus's, which the name then ends in; null: a number
     * @param greatestFirst whether great values rank first, or small ones
     * @param together makes one value of two, for {@value #OTHER}
     */
    public record Meaning(
            String name,
            String description,
            @Nullable String unit,
            boolean greatestFirst,
            DoubleBinaryOperator together) {}

    private static final class Row {
        private volatile double value;
        private @Nullable Gauge gauge;

        double value() {
            return value;
        }
    }

    /** @param most tenants that have a series of their own, 1 or more */
    public TenantGauge(MeterRegistry registry, int most, Meaning meaning) {
        this.registry = registry;
        this.meaning = meaning;
        this.most = most;
        Comparator<Map.Entry<String, Double>> byValue = Map.Entry.comparingByValue();
        this.ranking = (meaning.greatestFirst() ? byValue.reversed() : byValue)
                // among equals those that are there: series that come and go are what makes a Prometheus slow
                .thenComparing(entry -> !rows.containsKey(entry.getKey()))
                .thenComparing(Map.Entry.comparingByKey());
        show(Map.of());
    }

    /** @param values of all tenants there are, by id */
    public synchronized void show(Map<String, Double> values) {
        Map<String, Double> shown = values.isEmpty() ? NOBODY : values.size() <= most ? values : firstOf(values);
        rows.entrySet().removeIf(row -> {
            boolean gone = !shown.containsKey(row.getKey());
            if (gone && row.getValue().gauge != null) {
                registry.remove(row.getValue().gauge);
            }
            return gone;
        });
        shown.forEach((tenant, value) -> {
            Row row = rows.computeIfAbsent(tenant, added -> new Row());
            row.value = value;
            if (row.gauge == null) {
                row.gauge = gauge(tenant, row);
            }
        });
    }

    private Map<String, Double> firstOf(Map<String, Double> values) {
        PriorityQueue<Map.Entry<String, Double>> first = new PriorityQueue<>(most + 1, ranking.reversed());
        Map<String, Double> shown = new HashMap<>();
        for (Map.Entry<String, Double> entry : values.entrySet()) {
            first.add(entry);
            if (first.size() > most) {
                shown.merge(OTHER, first.remove().getValue(), meaning.together()::applyAsDouble);
            }
        }
        first.forEach(entry -> shown.put(entry.getKey(), entry.getValue()));
        return shown;
    }

    private Gauge gauge(String tenant, Row row) {
        return Gauge.builder(meaning.name(), row, Row::value)
                .tag("tenant", tenant)
                .baseUnit(meaning.unit())
                .description(meaning.description())
                .register(registry);
    }
}
