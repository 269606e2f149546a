package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(CreditRedis.Extension.class)
class ExtendScriptTest {
    private final CreditRedis redis;
    private final Credit credit;
    private final Hold hold = hold(UUID.randomUUID(), 60);

    ExtendScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    @Test
    void lets_a_hold_live_on_and_never_shorter() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold.living(Duration.ofSeconds(1)));
        assertThat(credit.extend(tenant, List.of(hold))).isEqualTo(1);
        double extended = lapses(tenant);
        assertThat(extended)
                .isGreaterThan((double) redis.credit.now(tenant).plusSeconds(60).toEpochMilli());
        assertThat(credit.extend(tenant, List.of(hold.living(Duration.ofSeconds(1)))))
                .isEqualTo(1);
        assertThat(lapses(tenant)).isEqualTo(extended);
    }

    @Test
    void brings_nothing_back_that_is_over_and_touches_nothing_of_anothers() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold);
        double before = lapses(tenant);
        Hold anothers = Hold.of(hold.receipt(), 60, CreditRedis.LONG.multipliedBy(2), "");
        assertThat(credit.extend(tenant, List.of(anothers))).isZero();
        assertThat(lapses(tenant)).isEqualTo(before);
        redis.release(tenant, hold.receipt());
        assertThat(credit.extend(tenant, List.of(hold))).isZero();
        assertThat(redis.entries(tenant, "expiries")).isZero();
        assertThat(redis.available(tenant)).isEqualTo(100);
    }

    private double lapses(TenantId tenant) {
        return redis.clients
                .commands()
                .zscore("credit:{" + tenant + "}:expiries", hold.receipt().toString());
    }
}
