package io.agentserver.pump.log;

import io.agentserver.envelope.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class QueueSizesTest {
    private static final long NOW = 1_800_000_000_000L;

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final QueueSizes sizes =
            new QueueSizes(registry, 200, Clock.fixed(Instant.ofEpochMilli(NOW), ZoneOffset.UTC));

    @Test
    void a_tenant_is_as_old_as_its_oldest_message() {
        sizes.measured(
                Map.of("messages.acme", 7L, "messages.demo", 1L),
                Map.of("messages.acme", NOW - 1_500, "messages.demo", NOW - 20));

        assertThat(size("acme")).isEqualTo(7);
        assertThat(age("acme")).isEqualTo(1.5);
        assertThat(age("demo")).isEqualTo(0.02);
    }

    @Test
    void is_at_zero_again_when_all_is_finished() {
        sizes.known(new TenantId("acme"));
        sizes.measured(Map.of(), Map.of());
        assertThat(age("acme")).isZero();
        sizes.measured(Map.of("messages.acme", 7L), Map.of("messages.acme", NOW - 1_500));

        sizes.measured(Map.of("messages.acme", 0L), Map.of());

        assertThat(size("acme")).isZero();
        assertThat(age("acme")).isZero();
    }

    @Test
    void a_tenant_that_the_directory_has_not_told_of_yet_is_of_no_age_while_nothing_old_is_found() {
        sizes.measured(Map.of("messages.acme", 7L), Map.of());

        assertThat(size("acme")).isEqualTo(7);
        assertThat(age("acme")).isZero();
    }

    @Test
    void a_deleted_tenant_has_no_series() {
        sizes.known(new TenantId("acme"));
        sizes.known(new TenantId("gone"));
        sizes.measured(Map.of("messages.acme", 1L, "messages.gone", 7L), Map.of("messages.gone", NOW - 1_500));

        sizes.gone(new TenantId("gone"));
        sizes.measured(Map.of("messages.acme", 1L), Map.of());

        assertThat(registry.find("agentserver.queue.size").gauges())
                .extracting(gauge -> gauge.getId().getTag("tenant"))
                .containsExactly("acme");
        assertThat(registry.find("agentserver.queue.age").gauges()).hasSize(1);
    }

    /** The log's clock, or its producer's, may be ahead of this one. */
    @Test
    void is_never_younger_than_now() {
        sizes.measured(Map.of("messages.acme", 1L), Map.of("messages.acme", NOW + 7_200_000));

        assertThat(age("acme")).isZero();
    }

    @Test
    void what_is_no_tenant_s_topic_counts_for_nobody() {
        sizes.measured(Map.of("usage", 3L), Map.of("usage", NOW - 5_000));

        assertThat(registry.get("agentserver.queue.age").gauges())
                .singleElement()
                .satisfies(gauge -> {
                    assertThat(gauge.getId().getTag("tenant")).isEmpty();
                    assertThat(gauge.value()).isZero();
                });
    }

    private double size(String tenant) {
        return registry.get("agentserver.queue.size")
                .tag("tenant", tenant)
                .gauge()
                .value();
    }

    private double age(String tenant) {
        return registry.get("agentserver.queue.age")
                .tag("tenant", tenant)
                .gauge()
                .value();
    }
}
