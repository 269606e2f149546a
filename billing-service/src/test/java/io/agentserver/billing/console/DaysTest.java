package io.agentserver.billing.console;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.billing.topup.TopUps;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class DaysTest {
    private static final LocalDate TODAY = LocalDate.of(2026, 3, 16);

    private final Ledger ledger = new Ledger(new MemoryLedgerStore());
    private final TenantId tenant = Calls.newTenant();

    @Test
    void counts_the_credit_of_each_day_s_end_back_from_what_there_is() {
        topUp(Calls.NOON.minus(Duration.ofDays(20)), 1000);
        call(Calls.NOON);
        topUp(Calls.NOON.plus(Duration.ofDays(1)), 500);
        call(Calls.NOON.plus(Duration.ofDays(2)));
        call(Calls.NOON.plus(Duration.ofDays(2)));

        Days days = Days.last(4, TODAY, tenant, ledger, () -> Map.of(TODAY, 7L, TODAY.minusDays(2), 5L));

        assertThat(days.days())
                .extracting(Days.Day::day)
                .containsExactly(TODAY.minusDays(3), TODAY.minusDays(2), TODAY.minusDays(1), TODAY);
        assertThat(days.days())
                .extracting(Days.Day::credit)
                .containsExactly(usd(10_000_000), usd(9_999_860), usd(14_999_860), usd(14_999_580));
        assertThat(days.days()).extracting(day -> day.sum().calls()).containsExactly(0L, 1L, 0L, 2L);
        assertThat(days.days()).extracting(Days.Day::messages).containsExactly(null, 5L, null, 7L);
        assertThat(days.messages()).isEqualTo(12);
        assertThat(days.total().price()).isEqualTo(usd(420));
        assertThat(days.credit()).isEqualTo(usd(14_999_580));
        assertThat(days.complete()).isTrue();
    }

    @Test
    void says_where_it_could_not_count_back() {
        topUp(Calls.NOON.minus(Duration.ofDays(1)), 500);
        for (int i = 0; i < 510; i++) {
            topUp(Calls.NOON.plusSeconds(i), 500);
        }

        Days days = Days.last(5, TODAY, tenant, ledger, Map::of);

        assertThat(days.complete()).isFalse();
        assertThat(days.days().get(0).credit()).isNull();
        assertThat(days.days().get(1).credit()).isNull();
        assertThat(days.days().get(4).credit()).isEqualTo(days.credit());
    }

    private void call(Instant at) {
        ledger.post(List.of(PostingGroup.of(Calls.call(tenant, Ids.v7(), at, "openai/gpt-x", "greeter"))));
    }

    private void topUp(Instant at, int cents) {
        new TopUps(ledger, Clock.fixed(at, ZoneOffset.UTC), null, true)
                .testCard(tenant, Ids.v7(), new TopUpAmount(cents));
    }

    private static MicroUsd usd(long micro) {
        return new MicroUsd(micro);
    }
}
