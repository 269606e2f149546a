package io.agentserver.gateway.deadletters;

import org.junit.jupiter.api.Test;

import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

class PaceTest {
    private long now = Long.MAX_VALUE - 1_000; // nanoTime may be anything, and overflow

    @Test
    void lets_the_first_go_at_once_and_the_others_evenly() {
        Pace pace = new Pace(4, () -> now);
        assertThat(pace.next()).isZero();
        for (int i = 0; i < 20; i++) {
            Duration wait = pace.next();
            assertThat(wait).isEqualTo(Duration.ofMillis(250));
            now += wait.toNanos();
        }
    }

    @Test
    void takes_the_time_of_the_work_from_the_wait_and_makes_up_for_nothing() {
        Pace pace = new Pace(10, () -> now);
        pace.next();
        now += Duration.ofMillis(30).toNanos();
        assertThat(pace.next()).isEqualTo(Duration.ofMillis(70));
        now += Duration.ofSeconds(5).toNanos();
        assertThat(pace.next()).isZero();
        assertThat(pace.next()).isEqualTo(Duration.ofMillis(100));
    }
}
