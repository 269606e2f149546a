package io.agentserver.service;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

import static org.assertj.core.api.Assertions.assertThat;

class EvenClockTest {
    private static final Instant START = Instant.parse("2026-01-31T08:00:00Z");

    private Instant wall = START;
    private long nanos = 42;

    private final EvenClock clock = new EvenClock(
            new Clock() {
                @Override
                public Instant instant() {
                    return wall;
                }

                @Override
                public ZoneId getZone() {
                    return ZoneOffset.UTC;
                }

                @Override
                public Clock withZone(ZoneId zone) {
                    return this;
                }
            },
            () -> nanos);

    private void pass(Duration time) {
        wall = wall.plus(time);
        nanos += time.toNanos();
    }

    private void set(Duration by) {
        wall = wall.plus(by);
    }

    @Test
    void says_what_the_wall_clock_says_while_nobody_sets_it() {
        assertThat(clock.instant()).isEqualTo(START);
        for (int i = 0; i < 1_000; i++) {
            pass(Duration.ofSeconds(10));
            set(Duration.ofMillis(i % 2 == 0 ? 900 : -800)); // as it is disciplined, little by little
            assertThat(clock.instant()).isEqualTo(wall);
        }
    }

    @Test
    void counts_how_often_it_was_set() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        clock.bindTo(registry);
        pass(Duration.ofSeconds(10));
        clock.instant();
        assertThat(registry.get("agentserver.clock.steps").functionCounter().count())
                .isZero();
        set(Duration.ofHours(2));
        clock.instant();
        clock.instant();
        set(Duration.ofHours(-2));
        clock.instant();
        assertThat(registry.get("agentserver.clock.steps").functionCounter().count())
                .as("forth; put right it is as it was believed")
                .isEqualTo(1);
    }

    @Test
    void goes_on_evenly_through_a_step_that_is_taken_back() {
        for (Duration step : new Duration[] {Duration.ofHours(2), Duration.ofMinutes(-10)}) {
            Instant before = clock.instant();
            set(step);
            assertThat(clock.instant()).isEqualTo(before);
            pass(Duration.ofSeconds(29));
            assertThat(clock.instant()).isEqualTo(before.plusSeconds(29));
            set(step.negated());
            pass(Duration.ofSeconds(29));
            assertThat(clock.instant()).isEqualTo(before.plusSeconds(58)).isEqualTo(wall);
        }
    }

    @Test
    void believes_a_step_that_has_stood_for_half_a_minute() {
        set(Duration.ofHours(2));
        clock.instant();
        pass(Duration.ofSeconds(30));
        assertThat(clock.instant()).isEqualTo(wall);
        pass(Duration.ofSeconds(1));
        assertThat(clock.instant()).isEqualTo(wall);
    }

    @Test
    void a_second_step_has_to_stand_for_half_a_minute_of_its_own() {
        Instant before = clock.instant();
        set(Duration.ofHours(2));
        clock.instant();
        pass(Duration.ofSeconds(20));
        set(Duration.ofHours(1));
        assertThat(clock.instant()).isEqualTo(before.plusSeconds(20));
        pass(Duration.ofSeconds(20));
        assertThat(clock.instant()).isEqualTo(before.plusSeconds(40));
        pass(Duration.ofSeconds(10));
        assertThat(clock.instant()).isEqualTo(wall);
    }
}
