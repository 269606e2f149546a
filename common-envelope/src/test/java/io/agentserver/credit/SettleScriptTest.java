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

    @Test
    void refuses_a_price_below_zero() {
        assertThatThrownBy(() -> redis.settle(redis.newTenant(), receipt, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1");
    }
}
