package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(CreditRedis.Extension.class)
class PostedScriptTest {
    private final CreditRedis redis;
    private final Credit credit;
    private final UUID receipt = UUID.randomUUID();

    PostedScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    @Test
    void writes_the_balance_and_forgets_what_is_in_it_in_one_step() {
        TenantId tenant = redis.tenantWith(100);
        UUID other = UUID.randomUUID();
        credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        credit.reserve(tenant, hold(other, 10));
        assertThat(credit.posted(tenant, new PostedBalance(75, 2), List.of(receipt)))
                .isTrue();
        assertThat(redis.available(tenant)).isEqualTo(65);
        assertThat(redis.entries(tenant, "unposted")).isZero();
        assertThat(redis.entries(tenant, "holds")).isEqualTo(1);
    }

    @Test
    void remembers_only_receipts_that_come_before_they_are_settled_when_credit_was_not_lost_lately() {
        TenantId tenant = redis.tenantWith(100);
        long tenMinutesAgo = credit.now(tenant).toEpochMilli() - 600_001;
        redis.clients.commands().hset("credit:{" + tenant + "}:state", "opens", String.valueOf(tenMinutesAgo));
        credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        credit.posted(tenant, new PostedBalance(75, 2), List.of(receipt));
        assertThat(redis.clients.commands().exists("credit:{" + tenant + "}:posted"))
                .isZero();
        credit.posted(tenant, new PostedBalance(70, 3), List.of(UUID.randomUUID()));
        assertThat(redis.clients.commands().pttl("credit:{" + tenant + "}:posted"))
                .isBetween(1L, 300_000L);
    }

    @Test
    void forgets_a_hold_that_is_posted_before_it_is_settled() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        credit.posted(tenant, new PostedBalance(75, 2), List.of(receipt));
        assertThat(redis.available(tenant)).isEqualTo(75);
        assertThat(redis.entries(tenant, "expiries")).isZero();
    }

    @Test
    void never_overwrites_a_newer_balance() {
        TenantId tenant = redis.tenantWith(100);
        credit.posted(tenant, new PostedBalance(50, 9), List.of());
        credit.posted(tenant, new PostedBalance(80, 8), List.of());
        credit.posted(tenant, new PostedBalance(70, 9), List.of());
        assertThat(redis.standing(tenant).version()).isEqualTo(9);
        assertThat(redis.available(tenant)).isEqualTo(50);
        credit.posted(tenant, new PostedBalance(-5, 10), List.of());
        assertThat(redis.available(tenant)).isEqualTo(-5);
    }

    @Test
    void closes_credit_where_another_eras_balance_is_and_leaves_it() {
        TenantId tenant = redis.tenantWith(100);
        credit.posted(tenant, new PostedBalance(50, 9, "before"), List.of());
        assertThat(credit.posted(tenant, new PostedBalance(80, 12, "after the restore"), List.of()))
                .isFalse();
        assertThat(redis.standing(tenant).epoch()).isEmpty();
        assertThat(redis.standing(tenant).era()).isEqualTo("before");
        assertThat(redis.standing(tenant).version()).isEqualTo(9);
        assertThat(redis.available(tenant)).isEqualTo(50);
    }

    @Test
    void takes_another_era_over_with_an_older_version_if_it_is_told_to() {
        TenantId tenant = redis.tenantWith(100);
        credit.posted(tenant, new PostedBalance(50, 9, "before"), List.of());
        PostedBalance restored = new PostedBalance(80, 3, "after the restore");
        credit.close(tenant);
        credit.takeOver(tenant, restored);
        assertThat(redis.standing(tenant).epoch()).as("it opens nothing").isEmpty();
        credit.open(tenant, restored, Duration.ZERO, Instant.EPOCH);
        assertThat(redis.available(tenant)).isEqualTo(80);
        assertThat(redis.standing(tenant).version()).isEqualTo(3);
        assertThat(redis.standing(tenant).era()).isEqualTo("after the restore");
        credit.posted(tenant, new PostedBalance(60, 2, "after the restore"), List.of());
        assertThat(redis.available(tenant)).as("within an era the newer counts").isEqualTo(80);
    }

    @Test
    void takes_a_balance_without_an_era_for_its_own() {
        TenantId tenant = redis.tenantWith(100);
        assertThat(credit.posted(tenant, new PostedBalance(50, 9, "an era"), List.of()))
                .isTrue();
        assertThat(redis.standing(tenant).era()).isEqualTo("an era");
        assertThat(redis.available(tenant)).isEqualTo(50);
    }

    @Test
    void opens_nothing_and_says_that_it_is_closed() {
        TenantId tenant = redis.newTenant();
        assertThat(credit.posted(tenant, new PostedBalance(50, 9), List.of(receipt)))
                .isFalse();
        assertThat(redis.standing(tenant).epoch()).isEmpty();
        redis.open(tenant, 40, 8);
        assertThat(redis.available(tenant)).isEqualTo(50);
    }
}
