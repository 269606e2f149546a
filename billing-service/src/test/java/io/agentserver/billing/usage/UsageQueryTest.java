package io.agentserver.billing.usage;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;

import static org.assertj.core.api.Assertions.assertThat;

class UsageQueryTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-03-14T23:30:00Z"), ZoneOffset.UTC);

    @Test
    void without_days_it_is_the_last_31_until_today() {
        assertThat(UsageQuery.parse(null, null, CLOCK))
                .isEqualTo(new UsageQuery.Days(LocalDate.of(2026, 2, 12), LocalDate.of(2026, 3, 14)));
    }

    @Test
    void takes_a_whole_leap_year() {
        assertThat(UsageQuery.parse("2028-01-01", "2028-12-31", CLOCK)).isInstanceOf(UsageQuery.Days.class);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "yesterday, -, from",
                "-, 2026-02-30, to",
                "2026-3-1, -, from",
                "2026-03-02, 2026-03-01, from",
                "2025-03-01, 2026-03-02, from",
                "+12026-01-01, -, from",
                "-, '', to"
            })
    void refuses_what_is_no_span_of_days(@Nullable String from, @Nullable String to, String wrong) {
        assertThat(UsageQuery.parse(from, to, CLOCK))
                .isInstanceOfSatisfying(
                        UsageQuery.Wrong.class, w -> assertThat(w.parameter()).isEqualTo(wrong));
    }
}
