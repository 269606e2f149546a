package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(CreditRedis.Extension.class)
class RestoreScriptTest {
    private final CreditRedis redis;
    private final Credit credit;

    RestoreScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    @Test
    void puts_back_what_was_lost_and_leaves_what_is_there() {
        TenantId tenant = redis.tenantWith(100);
        Hold first = hold(UUID.randomUUID(), 60);
        Hold second = hold(UUID.randomUUID(), 30);
        credit.reserve(tenant, first);
        assertThat(credit.restore(tenant, List.of(first, second))).isEqualTo(1);
        assertThat(redis.available(tenant)).isEqualTo(10);
        assertThat(redis.entries(tenant, "expiries")).isEqualTo(2);
    }

    @Test
    void leaves_away_what_was_posted_meanwhile() {
        TenantId tenant = redis.tenantWith(100);
        Hold first = hold(UUID.randomUUID(), 60);
        Hold second = hold(UUID.randomUUID(), 30);
        credit.reserve(tenant, first);
        credit.posted(tenant, new PostedBalance(20, 2), List.of(first.receipt(), second.receipt()));
        assertThat(credit.restore(tenant, List.of(first, second))).isZero();
        assertThat(redis.settle(tenant, first.receipt(), 50)).isFalse();
        assertThat(redis.available(tenant)).isEqualTo(20);
    }

    @Test
    void works_before_credit_is_open_again_and_beyond_what_there_is() {
        TenantId tenant = redis.newTenant();
        Hold running = hold(UUID.randomUUID(), 120);
        assertThat(credit.restore(tenant, List.of(running))).isEqualTo(1);
        redis.open(tenant, 100, 1);
        assertThat(redis.available(tenant)).isEqualTo(-20);
        assertThat(redis.settle(tenant, running.receipt(), 90)).isTrue();
        assertThat(redis.available(tenant)).isEqualTo(10);
    }
}
