package io.agentserver.billing.ledger;

import io.agentserver.billing.Calls;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PostingGroupTest {
    private final TenantId tenant = Calls.newTenant();

    @Test
    void refuses_postings_that_do_not_sum_to_zero() {
        assertThatThrownBy(() -> new PostingGroup(
                        new GroupId("receipt:1"),
                        tenant,
                        Calls.NOON,
                        List.of(new Posting(Account.LLM_REVENUE, new MicroUsd(1))),
                        null))
                .hasMessage("posting group receipt:1 sums to 0.000001 USD, not to 0");
    }

    @Test
    void refuses_sums_that_overflow_instead_of_wrapping() {
        MicroUsd most = new MicroUsd(Long.MAX_VALUE);

        assertThatThrownBy(() -> most.plus(new MicroUsd(1))).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> new MicroUsd(Long.MIN_VALUE).negated()).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void a_call_that_costs_nothing_has_a_group_without_postings() {
        UsageRecord free = record("\"cost_microusd\":0,\"price_microusd\":0");

        PostingGroup group = PostingGroup.of(free);

        assertThat(group.postings()).isEmpty();
        assertThat(group.toCredit()).isEqualTo(MicroUsd.ZERO);
    }

    @Test
    void counts_for_the_day_in_utc() {
        Instant late = Instant.parse("2026-12-31T23:59:59.999Z");

        PostingGroup group = PostingGroup.of(Calls.call(tenant, Ids.v7(), late, "m", null));

        assertThat(group.day()).isEqualTo(LocalDate.of(2026, 12, 31));
    }

    @Test
    void refuses_amounts_that_no_call_can_have() {
        UsageRecord absurd = record("\"cost_microusd\":0,\"price_microusd\":9223372036854775807");

        assertThatThrownBy(() -> PostingGroup.of(absurd))
                .hasMessage("price_microusd: 9223372036854775807 is not between 0 and 1000000000000");
    }

    @Test
    void refuses_a_record_without_a_receipt() {
        UsageRecord nobodys = UsageRecord.ofJson(json("", "\"cost_microusd\":0,\"price_microusd\":0"));

        assertThatThrownBy(() -> PostingGroup.of(nobodys)).hasMessage("receipt: missing");
    }

    private UsageRecord record(String money) {
        return UsageRecord.ofJson(json("\"receipt\":\"" + Ids.v7() + "\",", money));
    }

    private byte[] json(String receipt, String money) {
        return ("{" + receipt + "\"tenant\":\"" + tenant
                        + "\",\"route\":\"default\",\"provider\":\"p\",\"model\":\"m\","
                        + "\"input_tokens\":1,\"cached_input_tokens\":0,\"output_tokens\":1,\"estimated\":false,"
                        + "\"cache_hit\":false,\"stub\":false," + money + ",\"at\":\"2026-03-14T12:00:00Z\"}")
                .getBytes(StandardCharsets.UTF_8);
    }
}
