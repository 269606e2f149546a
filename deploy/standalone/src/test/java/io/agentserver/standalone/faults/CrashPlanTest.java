package io.agentserver.standalone.faults;

import org.junit.jupiter.api.Test;

import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;

import static org.assertj.core.api.Assertions.assertThat;

class CrashPlanTest {
    private final long seed = RandomGenerator.getDefault().nextLong();
    private final CrashPlan plan = new CrashPlan(new Random(seed));
    private final Map<CrashPoint, Long> reached = new EnumMap<>(CrashPoint.class);

    @Test
    void each_point_has_its_turn() {
        for (int i = 0; i < CrashPoint.values().length; i++) {
            reached.put(CrashPlan.of(plan.nextSeed(reached)), 1L);
        }
        assertThat(reached).as("seed " + seed).hasSize(CrashPoint.values().length);
    }

    @Test
    void those_that_were_not_reached_come_first_and_keep_the_others_from_nothing() {
        Map<CrashPoint, Integer> turns = new EnumMap<>(CrashPoint.class);
        for (int i = 0; i < CrashPlan.LONG; i++) {
            CrashPoint next = CrashPlan.of(plan.nextSeed(reached));
            turns.merge(next, 1, Integer::sum);
            if (next != CrashPoint.PUMP_AFTER_PARK) {
                reached.put(next, 1L);
            }
        }
        assertThat(turns).as("seed " + seed).hasSize(CrashPoint.values().length);
        assertThat(turns.get(CrashPoint.PUMP_AFTER_PARK)).as("seed " + seed).isEqualTo(4);
    }

    @Test
    void a_long_series_must_have_reached_all_of_them() {
        for (CrashPoint point : CrashPoint.values()) {
            reached.put(point, 2L);
        }
        assertThat(CrashPlan.missed(CrashPlan.LONG, reached)).isEmpty();
        reached.put(CrashPoint.BUFFER_AFTER_HOT, 0L);
        assertThat(CrashPlan.missed(CrashPlan.LONG - 1, reached)).isEmpty();
        assertThat(CrashPlan.missed(CrashPlan.LONG, reached))
                .singleElement()
                .asString()
                .contains("[BUFFER_AFTER_HOT]");
    }
}
