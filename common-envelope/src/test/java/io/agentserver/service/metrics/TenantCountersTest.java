package io.agentserver.service.metrics;

import io.agentserver.envelope.TenantId;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class TenantCountersTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final AtomicLong now = new AtomicLong(-Duration.ofDays(1).toNanos());
    private final TenantCounters counters = new TenantCounters(registry, 2, now::get);

    @Test
    void the_first_have_series_of_their_own_and_the_others_one_together() {
        count("aaa", 1);
        count("bbb", 2);
        count("ccc", 3);
        count("ddd", 4);
        count("aaa", 10);

        assertThat(counted()).isEqualTo(Map.of("aaa", 11.0, "bbb", 2.0, TenantGauge.OTHER, 7.0));
    }

    @Test
    void who_counts_nothing_for_an_hour_gives_up_its_place() {
        count("aaa", 1);
        count("bbb", 1);
        now.addAndGet(Duration.ofMinutes(50).toNanos());
        count("bbb", 1);
        now.addAndGet(Duration.ofMinutes(11).toNanos());

        count("ccc", 1);

        assertThat(counted()).isEqualTo(Map.of("bbb", 2.0, "ccc", 1.0));
    }

    @Test
    void nobody_gives_up_a_place_that_nobody_needs() {
        count("aaa", 1);
        now.addAndGet(Duration.ofDays(1).toNanos());

        count("bbb", 1);

        assertThat(counted()).isEqualTo(Map.of("aaa", 1.0, "bbb", 1.0));
    }

    @Test
    void a_deleted_tenant_leaves_no_series() {
        registry.counter("another", "tenant", "aaa").increment();
        count("aaa", 1);

        counters.forget(new TenantId("aaa"));

        assertThat(counted()).isEmpty();
        assertThat(registry.find("another").counters())
                .as("not one of these counters")
                .hasSize(1);
    }

    @Test
    void a_tenant_that_is_deleted_while_it_counts_leaves_no_series() {
        registry.config().meterFilter(new MeterFilter() {
            @Override
            public Meter.Id map(Meter.Id id) { // between its place and its series
                counters.forget(new TenantId("aaa"));
                return id;
            }
        });

        count("aaa", 1);

        assertThat(counted()).isEmpty();
    }

    private void count(String tenant, double amount) {
        counters.add(new TenantId(tenant), "test", "for a test", amount, "kind", "k");
    }

    private Map<String, Double> counted() {
        Map<String, Double> counted = new TreeMap<>();
        for (Counter counter : registry.find("test").counters()) {
            counted.put(String.valueOf(counter.getId().getTag("tenant")), counter.count());
        }
        return counted;
    }
}
