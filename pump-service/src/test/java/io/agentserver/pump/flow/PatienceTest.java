package io.agentserver.pump.flow;

import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Random;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PatienceTest {
    private static final Duration SHORTEST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(5);
    private static final int DRAWS = 500;

    @Test
    void a_pause_is_at_most_twice_the_one_before_up_to_the_longest_and_at_least_half_of_that() {
        long[] most = {50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000};
        Seeds.each(20, random -> {
            for (int failures = 0; failures < most.length; failures++) {
                LongSummaryStatistics pauses = pauses(failures, random);
                assertThat(pauses.getMax()).as("after " + failures).isLessThanOrEqualTo(most[failures]);
                assertThat(pauses.getMin()).as("after " + failures).isGreaterThanOrEqualTo(most[failures] / 2);
            }
        });
    }

    /** Those that failed together do not all come back together. */
    @Test
    void pauses_are_spread_over_the_whole_of_that_half() {
        Seeds.each(20, random -> {
            LongSummaryStatistics pauses = pauses(4, random);
            assertThat(pauses.getMin()).isLessThan(400 + 40);
            assertThat(pauses.getMax()).isGreaterThan(800 - 40);
            assertThat(pauses.getAverage()).isBetween(560.0, 640.0);
        });
    }

    @Test
    void after_however_many_failures_it_is_the_longest() {
        Seeds.each(20, random -> {
            int failures = random.nextInt(7, Integer.MAX_VALUE);
            assertThat(pauses(failures, random).getMin()).isBetween(2_500L, 5_000L);
        });
    }

    @Test
    void what_is_away_is_waited_for_with_growing_pauses() {
        List<Duration> pauses = new ArrayList<>();
        int[] failures = {0};

        String found = new Patience(pauses::add).until(() -> false, () -> {
            if (failures[0]++ < 9) {
                throw new UnavailableException("away");
            }
            return "back";
        });

        assertThat(found).isEqualTo("back");
        assertThat(pauses).hasSize(9);
        for (int i = 0; i < pauses.size(); i++) {
            long most = Math.min(5_000, 50L << i);
            assertThat(pauses.get(i)).isBetween(Duration.ofMillis(most / 2), Duration.ofMillis(most));
        }
    }

    @Test
    void what_is_there_and_fails_is_waited_for_two_minutes_and_no_longer() {
        List<Duration> pauses = new ArrayList<>();

        assertThatThrownBy(() -> new Patience(pauses::add).until(() -> false, () -> {
                    throw new ThreadBuffer.Failed("a test's", new IllegalStateException());
                }))
                .isInstanceOf(ThreadBuffer.Failed.class);

        Duration all = pauses.stream().reduce(Duration.ZERO, Duration::plus);
        assertThat(all).isBetween(Patience.WITH_FAILURES.minus(LONGEST), Patience.WITH_FAILURES);
    }

    private static LongSummaryStatistics pauses(int failures, Random random) {
        return IntStream.range(0, DRAWS)
                .mapToLong(_ ->
                        Patience.backoff(failures, SHORTEST, LONGEST, random).toMillis())
                .summaryStatistics();
    }
}
