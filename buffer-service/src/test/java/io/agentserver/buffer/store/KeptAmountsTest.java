package io.agentserver.buffer.store;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class KeptAmountsTest {
    private static final long NOW = 1_800_000_000_000L;
    private static final Duration DAY = Duration.ofDays(1);
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final String ACME = "acme";

    private final KeptAmounts slots = new KeptAmounts();

    @Test
    void a_slot_counts_until_it_is_no_longer_kept() {
        slots.add(ACME, 3, DAY, NOW);
        slots.add(ACME, 2, DAY, NOW + 10 * HOUR);
        slots.add("other", 1, DAY, NOW);

        assertThat(slots.sum(ACME, NOW + 23 * HOUR)).isEqualTo(5);
        assertThat(slots.sum("nobody", NOW)).isZero();
        assertThat(slots.byName(NOW + 23 * HOUR)).isEqualTo(Map.of("acme", 5.0, "other", 1.0));
        assertThat(slots.byName(NOW + 26 * HOUR)).isEqualTo(Map.of("acme", 2.0));
        assertThat(slots.byName(NOW + 40 * HOUR)).isEmpty();
    }

    @Test
    void counts_on_after_a_long_rest_and_when_the_clock_jumps_back() {
        slots.add(ACME, 3, DAY, NOW);
        slots.add(ACME, 4, DAY, NOW + 1_000 * HOUR);
        slots.add(ACME, 1, DAY, NOW + 990 * HOUR);

        assertThat(slots.byName(NOW + 1_000 * HOUR)).isEqualTo(Map.of("acme", 5.0));
    }

    @Test
    void each_counts_for_as_long_as_was_said_when_it_came() {
        slots.add(ACME, 1, Duration.ofHours(1), NOW);
        slots.add(ACME, 2, Duration.ofDays(90), NOW);
        slots.add(ACME, 4, DAY, NOW);

        assertThat(slots.sum(ACME, NOW + HOUR - 1)).isEqualTo(7);
        assertThat(slots.sum(ACME, NOW + 2 * HOUR)).isEqualTo(6);
        assertThat(slots.sum(ACME, NOW + 26 * HOUR)).isEqualTo(2);
        assertThat(slots.sum(ACME, NOW + 89 * 24 * HOUR)).isEqualTo(2);
        assertThat(slots.byName(NOW + 94 * 24 * HOUR)).isEmpty();
    }
}
