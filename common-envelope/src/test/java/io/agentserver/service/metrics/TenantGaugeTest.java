package io.agentserver.service.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

import static org.assertj.core.api.Assertions.assertThat;

class TenantGaugeTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @Test
    void is_there_at_zero_before_there_is_a_tenant_and_no_longer() {
        TenantGauge gauge = sizes(3);
        assertThat(shown()).isEqualTo(Map.of("", 0.0));

        gauge.show(Map.of("acme", 7.0));

        assertThat(shown()).isEqualTo(Map.of("acme", 7.0));
    }

    @Test
    void shows_the_greatest_and_the_rest_together() {
        TenantGauge gauge = sizes(2);

        gauge.show(Map.of("a1", 5.0, "b1", 1.0, "c1", 9.0, "d1", 2.0));

        assertThat(shown()).isEqualTo(Map.of("c1", 9.0, "a1", 5.0, TenantGauge.OTHER, 3.0));
    }

    @Test
    void shows_the_least_where_they_matter_most() {
        TenantGauge credit =
                new TenantGauge(registry, 1, new TenantGauge.Meaning("test", "for a test", null, false, Double::sum));

        credit.show(Map.of("rich", 500.0, "spent", -3.0, "richer", 700.0));

        assertThat(shown()).isEqualTo(Map.of("spent", -3.0, TenantGauge.OTHER, 1200.0));
    }

    @Test
    void a_tenant_that_is_gone_leaves_no_series() {
        TenantGauge gauge = sizes(3);
        gauge.show(Map.of("acme", 7.0, "gone", 1.0));

        gauge.show(Map.of("acme", 8.0));

        assertThat(shown()).isEqualTo(Map.of("acme", 8.0));
    }

    @Test
    void a_hundred_thousand_tenants_are_few_series_and_among_equals_those_that_are_there() {
        TenantGauge gauge = sizes(200);
        Map<String, Double> idle = new HashMap<>();
        for (int i = 0; i < 100_000; i++) {
            idle.put("tenant-" + i, 0.0);
        }
        gauge.show(idle);
        Map<String, Double> before = shown();
        idle.put("tenant-99999", 4.0);

        gauge.show(idle);

        assertThat(before).hasSize(201);
        assertThat(shown()).hasSize(201).containsEntry("tenant-99999", 4.0);
        assertThat(shown().keySet()).filteredOn(before::containsKey).hasSizeGreaterThanOrEqualTo(200);
    }

    private TenantGauge sizes(int most) {
        return new TenantGauge(registry, most, new TenantGauge.Meaning("test", "for a test", null, true, Double::sum));
    }

    private Map<String, Double> shown() {
        Map<String, Double> shown = new TreeMap<>();
        for (Gauge gauge : registry.find("test").gauges()) {
            shown.put(String.valueOf(gauge.getId().getTag("tenant")), gauge.value());
        }
        return shown;
    }
}
