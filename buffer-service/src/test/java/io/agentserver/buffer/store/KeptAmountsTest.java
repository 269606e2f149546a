package io.agentserver.buffer.store;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class KeptAmountsTest {
    private static final long NOW = 1_800_000_000_000L;
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final String ACME = "acme";

    private final KeptAmounts slots = new KeptAmounts(Duration.ofHours(24));

    @Test
    void a_slot_counts_until_it_is_no_longer_kept() {
        slots.add(ACME, 3, NOW);
        slots.add(ACME, 2, NOW + 10 * HOUR);
        slots.add("other", 1, NOW);

        assertThat(slots.sum(ACME, NOW + 23 * HOUR)).isEqualTo(5);
        assertThat(slots.sum("nobody", NOW)).isZero();
        assertThat(slots.byName(NOW + 23 * HOUR)).isEqualTo(Map.of("acme", 5.0, "other", 1.0));
        assertThat(slots.byName(NOW + 26 * HOUR)).isEqualTo(Map.of("acme", 2.0));
        assertThat(slots.byName(NOW + 40 * HOUR)).isEmpty();
    }

    @Test
    void counts_on_after_a_long_rest_and_when_the_clock_jumps_back() {
        slots.add(ACME, 3, NOW);
        slots.add(ACME, 4, NOW + 1_000 * HOUR);
        slots.add(ACME, 1, NOW + 990 * HOUR);

        assertThat(slots.byName(NOW + 1_000 * HOUR)).isEqualTo(Map.of("acme", 5.0));
    }
}
