package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(CreditRedis.Extension.class)
class SettleScriptTest {
    private final CreditRedis redis;
    private final UUID receipt = UUID.randomUUID();

    SettleScriptTest(CreditRedis redis) {
        this.redis = redis;
    }

    @Test
    void turns_a_hold_into_its_price_once() {
        TenantId tenant = redis.tenantWith(100);
        redis.credit.reserve(tenant, hold(receipt, 60));
        assertThat(redis.settle(tenant, receipt, 25)).isTrue();
        assertThat(redis.available(tenant)).isEqualTo(75);
        assertThat(redis.settle(tenant, receipt, 25)).isFalse();
        assertThat(redis.available(tenant)).isEqualTo(75);
        assertThat(redis.entries(tenant, "holds")).isZero();
        assertThat(redis.entries(tenant, "expiries")).isZero();
    }

    @Test
    void goes_below_zero_for_a_call_that_has_cost_more_than_it_held() {
        TenantId tenant = redis.tenantWith(100);
        redis.credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 130);
        assertThat(redis.available(tenant)).isEqualTo(-30);
    }

    @Test
    void releases_a_hold_whole_also_one_of_nothing() {
        TenantId tenant = redis.tenantWith(100);
        UUID free = UUID.randomUUID();
        redis.credit.reserve(tenant, hold(receipt, 60));
        redis.credit.reserve(tenant, hold(free, 0));
        assertThat(redis.release(tenant, receipt)).isTrue();
        assertThat(redis.release(tenant, free)).isTrue();
        assertThat(redis.available(tenant)).isEqualTo(100);
        assertThat(redis.entries(tenant, "unposted")).isZero();
    }

    @Test
    void leaves_nothing_behind_for_a_receipt_that_was_posted_before() {
        TenantId tenant = redis.tenantWith(100);
        redis.credit.reserve(tenant, hold(receipt, 60));
        redis.credit.posted(tenant, new PostedBalance(75, 2), List.of(receipt));
        assertThat(redis.settle(tenant, receipt, 25)).isFalse();
        assertThat(redis.available(tenant)).isEqualTo(75);
        assertThat(redis.entries(tenant, "unposted")).isZero();
    }

    @Test
    void counts_a_second_run_under_one_receipt_no_second_time() {
        TenantId tenant = redis.tenantWith(100);
        redis.credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        redis.credit.reserve(tenant, hold(receipt, 60));
        assertThat(redis.available(tenant)).isEqualTo(15);
        redis.settle(tenant, receipt, 30);
        assertThat(redis.available(tenant)).isEqualTo(75);
    }

    /** It ended after the loss, and before its router had put its hold back. */
    @Test
    void counts_what_a_call_has_cost_whose_hold_was_lost_until_it_is_posted() {
        TenantId tenant = redis.tenantWith(1_000);
        String epoch = ((Reservation.Held) redis.credit.reserve(tenant, hold(receipt, 600))).epoch();
        redis.lose(tenant);
        redis.open(tenant, 1_000, 1);
        settle(tenant, epoch);
        assertThat(redis.available(tenant)).isEqualTo(500);
        settle(tenant, epoch);
        assertThat(redis.available(tenant)).as("again").isEqualTo(500);
        redis.credit.posted(tenant, new PostedBalance(500, 2), List.of(receipt));
        assertThat(redis.available(tenant)).isEqualTo(500);
        settle(tenant, epoch);
        assertThat(redis.available(tenant)).as("after it was posted").isEqualTo(500);
    }

    @Test
    void counts_it_also_while_credit_is_closed() {
        TenantId tenant = redis.tenantWith(1_000);
        String epoch = ((Reservation.Held) redis.credit.reserve(tenant, hold(receipt, 600))).epoch();
        redis.lose(tenant);
        settle(tenant, epoch);
        redis.open(tenant, 1_000, 1);
        assertThat(redis.available(tenant)).isEqualTo(500);
    }

    private void settle(TenantId tenant, String epoch) {
        assertThat(redis.credit
                        .settle(tenant, hold(receipt, 600), Counted.NOT, new Spent(500, 1, 0), epoch)
                        .toCompletableFuture()
                        .join())
                .as("no hold was settled")
                .isFalse();
    }

    @Test
    void refuses_a_price_below_zero() {
        assertThatThrownBy(() -> redis.settle(redis.newTenant(), receipt, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1");
    }
}
