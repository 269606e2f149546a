package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.LlmLimits;
import io.lettuce.core.cluster.SlotHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(CreditRedis.Extension.class)
class ReserveScriptTest {
    private static final LlmLimits ONE_AT_ONCE = new LlmLimits(0, 0, 1, false);

    private final CreditRedis redis;
    private final Credit credit;
    private final UUID receipt = UUID.randomUUID();

    ReserveScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    @Test
    void holds_what_there_is_and_not_a_micro_dollar_more() {
        TenantId tenant = redis.tenantWith(100);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 70))).isInstanceOf(Reservation.Held.class);
        assertThat(redis.available(tenant)).isEqualTo(30);
        assertThat(credit.reserve(tenant, hold(receipt, 31))).isEqualTo(new Reservation.Exhausted(30));
        assertThat(credit.reserve(tenant, hold(receipt, 30))).isInstanceOf(Reservation.Held.class);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 0))).isEqualTo(new Reservation.Exhausted(0));
    }

    /** Somebody else is paid for it: the limits hold, and whatever costs something still needs credit. */
    @Test
    void holds_nothing_for_who_has_no_credit_where_that_is_said_to_do() {
        TenantId tenant = redis.tenantWith(-5);
        assertThat(credit.reserve(tenant, hold(receipt, 0), 10, ONE_AT_ONCE, false))
                .isEqualTo(new Reservation.Exhausted(-5));
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1), 10, ONE_AT_ONCE, true))
                .isEqualTo(new Reservation.Exhausted(-5));
        assertThat(credit.reserve(tenant, hold(receipt, 0), 10, ONE_AT_ONCE, true))
                .isInstanceOf(Reservation.Held.class);
        assertThat(redis.available(tenant)).isEqualTo(-5);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 0), 10, ONE_AT_ONCE, true))
                .isInstanceOf(Reservation.Limited.class);
        redis.release(tenant, receipt);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 0), 10, ONE_AT_ONCE, true))
                .isInstanceOf(Reservation.Held.class);
        assertThat(credit.reserve(redis.newTenant(), hold(UUID.randomUUID(), 0), 10, ONE_AT_ONCE, true))
                .as("what it has is not known")
                .isEqualTo(new Reservation.Closed());
    }

    @Test
    void holds_once_for_one_receipt() {
        TenantId tenant = redis.tenantWith(100);
        Reservation first = credit.reserve(tenant, hold(receipt, 60));
        Reservation second = credit.reserve(tenant, hold(receipt, 60));
        assertThat(first).isEqualTo(new Reservation.Held(epoch(tenant)));
        assertThat(second).isEqualTo(first);
        assertThat(redis.available(tenant)).isEqualTo(40);
    }

    @Test
    void gives_nobody_a_share_in_anothers_hold() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        assertThatThrownBy(() -> credit.reserve(tenant, Hold.of(receipt, 10, CreditRedis.LONG, "")))
                .hasRootCauseMessage("receipt " + receipt + " is held for another call");
        assertThat(redis.available(tenant)).isEqualTo(40);
    }

    @Test
    void is_closed_where_no_balance_is_known() {
        TenantId tenant = redis.newTenant();
        assertThat(credit.reserve(tenant, hold(receipt, 1))).isEqualTo(new Reservation.Closed());
        credit.posted(tenant, new PostedBalance(100, 1), List.of());
        assertThat(credit.reserve(tenant, hold(receipt, 1))).isEqualTo(new Reservation.Closed());
        assertThat(redis.standing(tenant).epoch()).isEmpty();
    }

    @Test
    void is_closed_until_the_time_that_opening_has_set() {
        TenantId tenant = redis.newTenant();
        credit.open(tenant, new PostedBalance(100, 1), Duration.ofHours(1), Instant.EPOCH);
        assertThat(credit.reserve(tenant, hold(receipt, 1))).isEqualTo(new Reservation.Closed());
    }

    @Test
    void takes_the_largest_amounts_exactly() {
        TenantId tenant = redis.tenantWith(Hold.MOST + 1);
        assertThat(credit.reserve(tenant, hold(receipt, Hold.MOST))).isInstanceOf(Reservation.Held.class);
        assertThat(redis.available(tenant)).isEqualTo(1);
        redis.release(tenant, receipt);
        assertThat(redis.available(tenant)).isEqualTo(Hold.MOST + 1);
    }

    @Test
    void keeps_all_of_one_tenant_in_one_slot() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        assertThat(redis.clients.commands().keys("credit:{" + tenant + "}:*"))
                .hasSize(3)
                .allMatch(key -> SlotHash.getSlot(key) == SlotHash.getSlot(tenant.value()));
    }

    private String epoch(TenantId tenant) {
        return redis.standing(tenant).epoch().orElseThrow();
    }
}
