package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(CreditRedis.Extension.class)
class OpenScriptTest {
    private final CreditRedis redis;
    private final Credit credit;
    private final UUID receipt = UUID.randomUUID();

    OpenScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    /** Redis' clock has gone back since, or it is another node's. */
    @Test
    void opens_when_it_was_to_and_not_hours_later() {
        TenantId tenant = redis.tenantWith(100);
        String state = "credit:{" + tenant + "}:state";
        long late = credit.now(tenant).plus(Duration.ofHours(2)).toEpochMilli();
        redis.clients.commands().hset(state, "opens", Long.toString(late));
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1))).isEqualTo(new Reservation.Closed());
        redis.open(tenant, 100, 1);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1))).isInstanceOf(Reservation.Held.class);
    }

    @Test
    void begins_an_epoch_once_and_another_after_a_loss() {
        TenantId tenant = redis.newTenant();
        assertThat(open(tenant, 100, 1, Instant.EPOCH)).isTrue();
        String first = redis.standing(tenant).epoch().orElseThrow();
        assertThat(open(tenant, 100, 1, Instant.EPOCH)).isFalse();
        assertThat(redis.standing(tenant).epoch()).hasValue(first);
        redis.lose(tenant);
        assertThat(open(tenant, 100, 1, Instant.EPOCH)).isTrue();
        assertThat(redis.standing(tenant).epoch()).isPresent().get().isNotEqualTo(first);
    }

    @Test
    void opens_what_was_closed_with_the_holds_that_it_had() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        credit.close(tenant);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1))).isEqualTo(new Reservation.Closed());
        open(tenant, 100, 1, Instant.EPOCH);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 41))).isEqualTo(new Reservation.Exhausted(40));
    }

    @Test
    void clears_up_what_was_posted_and_not_forgotten() {
        TenantId tenant = redis.tenantWith(100);
        UUID later = UUID.randomUUID();
        credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        Instant drained = redis.credit.now(tenant).plusMillis(1);
        while (redis.credit.now(tenant).isBefore(drained)) {
            Thread.onSpinWait(); // Redis' clock has to go on by a millisecond
        }
        credit.reserve(tenant, hold(later, 10));
        redis.settle(tenant, later, 7);
        open(tenant, 75, 2, drained);
        assertThat(redis.entries(tenant, "unposted")).isEqualTo(1);
        assertThat(redis.available(tenant)).isEqualTo(68);
    }

    @Test
    void lets_a_hold_lapse_whose_expiry_was_lost() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        redis.clients.commands().del("credit:{" + tenant + "}:expiries");
        open(tenant, 100, 1, Instant.EPOCH);
        assertThat(redis.entries(tenant, "expiries")).isEqualTo(1);
    }

    @Test
    void puts_sums_right_that_do_not_fit() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        redis.clients.commands().hset("credit:{" + tenant + "}:state", "held", "7");
        open(tenant, 100, 1, Instant.EPOCH);
        assertThat(redis.available(tenant)).isEqualTo(40);
    }

    private boolean open(TenantId tenant, long balance, long version, Instant settledBefore) {
        return credit.open(tenant, new PostedBalance(balance, version), Duration.ZERO, settledBefore);
    }
}
