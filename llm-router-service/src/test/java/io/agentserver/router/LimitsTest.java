package io.agentserver.router;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

class LimitsTest {

    /** Who waits for less comes too early. */
    @ParameterizedTest
    @CsvSource({"0, 0ms", "20, 20ms", "999, 999ms", "1000, 1s", "1001, 2s", "1999, 2s", "59001, 1m0s", "360000, 6m0s"})
    void says_no_time_that_is_too_short(long millis, String text) {
        assertThat(Limits.text(Duration.ofMillis(millis))).isEqualTo(text);
    }
}
