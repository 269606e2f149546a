package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

@ExtendWith(CreditRedis.Extension.class)
class LapsedScriptTest {
    private static final Duration SOON = Duration.ofMillis(1);
    private static final Duration LOOKED = Duration.ofSeconds(10);

    private final CreditRedis redis;
    private final Credit credit;

    LapsedScriptTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
    }

    @Test
    void gives_a_hold_to_one_alone_once_its_time_is_over() {
        TenantId tenant = redis.tenantWith(100);
        Hold dead = hold(UUID.randomUUID(), 60);
        credit.reserve(tenant, dead.living(SOON));
        credit.reserve(tenant, hold(UUID.randomUUID(), 10));
        List<Hold> lapsed =
                await().until(() -> lapsed(tenant, 10, CreditRedis.LONG, LOOKED), holds -> !holds.isEmpty());
        assertThat(lapsed).hasSize(1).first().satisfies(hold -> {
            assertThat(hold.receipt()).isEqualTo(dead.receipt());
            assertThat(hold.amount()).isEqualTo(60);
            assertThat(hold.details()).isEqualTo(dead.details());
            assertThat(hold.owner()).isNotEqualTo(dead.owner());
        });
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED)).isEmpty();
        assertThat(redis.available(tenant)).isEqualTo(30);
    }

    /** All routers look all the time: where none has for hours, it is the clock, and the calls still run. */
    @Test
    void gives_no_hold_away_because_redis_clock_has_jumped() {
        TenantId tenant = redis.tenantWith(100);
        UUID running = UUID.randomUUID();
        UUID dead = UUID.randomUUID();
        credit.reserve(tenant, hold(running, 10));
        credit.reserve(tenant, hold(dead, 60));
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED)).isEmpty();
        long back = credit.now(tenant).minus(Duration.ofHours(2)).toEpochMilli();
        String expiries = "credit:{" + tenant + "}:expiries";
        redis.clients.commands().hset("credit:{" + tenant + "}:state", "swept", Long.toString(back));
        redis.clients.commands().zadd(expiries, (double) (back + 100_000), running.toString());
        redis.clients.commands().zadd(expiries, (double) (back - 100_000), dead.toString());
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED))
                .extracting(Hold::receipt)
                .containsExactly(dead);
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED)).isEmpty();
        redis.clients.commands().zadd(expiries, (double) back, running.toString());
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED))
                .as("nothing has jumped since")
                .hasSize(1);
    }

    /** It is over sooner than its owner thinks, who extends it only when its own time is nearly up. */
    @Test
    void lets_a_hold_live_as_long_as_it_was_to_though_it_is_not_over_yet_when_the_clock_jumps() {
        TenantId tenant = redis.tenantWith(100);
        Hold running = hold(UUID.randomUUID(), 10);
        credit.reserve(tenant, running);
        double until = expiry(tenant, running);
        jump(tenant, Duration.ofMinutes(2));
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, LOOKED)).isEmpty();
        assertThat(expiry(tenant, running)).isBetween(until - LOOKED.toMillis(), until + 5_000);
    }

    /** The caller has looked a moment ago by its own clock, and by Redis' a few seconds: less than any grace of a hold. */
    @Test
    void notices_a_jump_of_some_seconds() {
        TenantId tenant = redis.tenantWith(100);
        Hold running = hold(UUID.randomUUID(), 10).living(Duration.ofSeconds(4));
        credit.reserve(tenant, running);
        jump(tenant, Duration.ofSeconds(20));
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, Duration.ZERO)).isEmpty();
    }

    /** Routers that are slow to look are no clock that jumps again and again. */
    @Test
    void gives_what_has_lapsed_though_each_look_comes_late() {
        TenantId tenant = redis.tenantWith(100);
        Hold dead = hold(UUID.randomUUID(), 60).living(Duration.ofSeconds(30));
        credit.reserve(tenant, dead);
        jump(tenant, Duration.ofSeconds(70));
        assertThat(lapsed(tenant, 10, CreditRedis.LONG, Duration.ofSeconds(70)))
                .extracting(Hold::receipt)
                .containsExactly(dead.receipt());
    }

    /** Nobody looks at a tenant that holds nothing. */
    @Test
    void takes_no_idle_time_for_a_jump() {
        TenantId tenant = redis.tenantWith(100);
        UUID dead = UUID.randomUUID();
        long fridayMs = credit.now(tenant).minus(Duration.ofDays(3)).toEpochMilli();
        redis.clients.commands().hset("credit:{" + tenant + "}:state", "swept", Long.toString(fridayMs));
        credit.reserve(tenant, hold(dead, 60).living(SOON));
        assertThat(await().until(() -> lapsed(tenant, 10, CreditRedis.LONG, LOOKED), holds -> !holds.isEmpty()))
                .extracting(Hold::receipt)
                .containsExactly(dead);
    }

    @Test
    void gives_it_to_another_if_the_first_one_dies_over_it() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(UUID.randomUUID(), 60).living(SOON));
        await().until(() -> lapsed(tenant, 10, SOON, LOOKED), holds -> !holds.isEmpty());
        await().until(() -> lapsed(tenant, 10, SOON, LOOKED), holds -> !holds.isEmpty());
    }

    @Test
    void gives_what_an_older_router_held_which_named_no_owner() {
        TenantId tenant = redis.tenantWith(100);
        UUID receipt = UUID.randomUUID();
        credit.reserve(tenant, hold(receipt, 60).living(SOON));
        redis.clients
                .commands()
                .hset("credit:{" + tenant + "}:holds", receipt.toString(), "60 {\"route\":\"default\"}");
        Hold taken = await().until(() -> lapsed(tenant, 10, CreditRedis.LONG, LOOKED), holds -> !holds.isEmpty())
                .getFirst();
        assertThat(taken.amount()).isEqualTo(60);
        assertThat(taken.details()).isEqualTo("{\"route\":\"default\"}");
        assertThat(credit.settle(tenant, taken, 60).toCompletableFuture().join())
                .isTrue();
    }

    @Test
    void makes_it_its_new_owners_alone() {
        TenantId tenant = redis.tenantWith(100);
        Hold slow = hold(UUID.randomUUID(), 60);
        credit.reserve(tenant, slow.living(SOON));
        Hold taken = await().until(() -> lapsed(tenant, 10, CreditRedis.LONG, LOOKED), holds -> !holds.isEmpty())
                .getFirst();
        assertThat(redis.release(tenant, slow.receipt())).isFalse();
        assertThat(redis.settle(tenant, slow.receipt(), 25)).isFalse();
        assertThat(credit.extend(tenant, List.of(slow))).isZero();
        assertThat(redis.available(tenant))
                .as("held until its record is posted")
                .isEqualTo(40);
        assertThat(credit.settle(tenant, taken, 60).toCompletableFuture().join())
                .isTrue();
        assertThat(redis.settle(tenant, slow.receipt(), 25)).isFalse();
        assertThat(redis.available(tenant)).isEqualTo(40);
    }

    @Test
    void gives_no_more_at_once_than_was_asked_for() {
        TenantId tenant = redis.tenantWith(100);
        for (int i = 0; i < 5; i++) {
            credit.reserve(tenant, hold(UUID.randomUUID(), 1).living(SOON));
        }
        List<Hold> first = await().until(() -> lapsed(tenant, 3, CreditRedis.LONG, LOOKED), holds -> !holds.isEmpty());
        assertThat(first).hasSizeLessThanOrEqualTo(3);
    }

    /** Another has looked in the meantime, and before the jump; the caller was kept from it for longer than the clock has jumped by. */
    @Test
    void notices_a_jump_however_long_ago_the_caller_has_looked() {
        TenantId tenant = redis.tenantWith(100);
        Hold running = hold(UUID.randomUUID(), 10);
        credit.reserve(tenant, running);
        double until = expiry(tenant, running);
        Duration jump = Duration.ofMinutes(2);
        Duration ago = Duration.ofMinutes(5);
        String told = told(tenant, ago.plus(jump));
        jump(tenant, jump);
        sweptBefore(tenant, Duration.ofSeconds(5));
        assertThat(credit.lapsed(tenant, 10, CreditRedis.LONG, ago, told).holds())
                .isEmpty();
        assertThat(expiry(tenant, running)).isBetween(until - 1_000, until + 1_000);
    }

    @Test
    void lets_holds_live_longer_by_a_jump_once_whoever_finds_it() {
        TenantId tenant = redis.tenantWith(100);
        Hold running = hold(UUID.randomUUID(), 10);
        credit.reserve(tenant, running);
        double until = expiry(tenant, running);
        Duration jump = Duration.ofMinutes(2);
        String slow = told(tenant, Duration.ofMinutes(5).plus(jump));
        String quick = told(tenant, Duration.ofSeconds(5).plus(jump));
        jump(tenant, jump);
        Lapsed first = credit.lapsed(tenant, 10, CreditRedis.LONG, Duration.ofSeconds(5), quick);
        assertThat(expiry(tenant, running)).isBetween(until - 1_000, until + 1_000);
        sweptBefore(tenant, Duration.ofMinutes(1));
        credit.lapsed(tenant, 10, CreditRedis.LONG, Duration.ofMinutes(5), slow);
        credit.lapsed(tenant, 10, CreditRedis.LONG, Duration.ZERO, first.told());
        assertThat(expiry(tenant, running)).isBetween(until - 1_000, until + 1_000);
    }

    /** They are dated by the clock as it is. */
    @Test
    void takes_nothing_for_a_jump_that_was_before_the_first_hold_came() {
        TenantId tenant = redis.tenantWith(100);
        String told = told(tenant, Duration.ofHours(2));
        Hold running = hold(UUID.randomUUID(), 10);
        credit.reserve(tenant, running);
        double until = expiry(tenant, running);
        credit.lapsed(tenant, 10, CreditRedis.LONG, Duration.ZERO, told);
        assertThat(expiry(tenant, running)).isEqualTo(until);
    }

    private List<Hold> lapsed(TenantId tenant, int most, Duration again, Duration looked) {
        return credit.lapsed(tenant, most, again, looked, Lapsed.NOTHING).holds();
    }

    /** What a caller was told when Redis' clock was so far back, and no jump had been found. */
    private String told(TenantId tenant, Duration before) {
        return credit.now(tenant).minus(before).toEpochMilli() + " 0";
    }

    /** That somebody has looked is so much longer ago. */
    private void sweptBefore(TenantId tenant, Duration before) {
        redis.clients.commands().hincrby("credit:{" + tenant + "}:state", "swept", -before.toMillis());
    }

    /** All that is written down is so much longer ago. */
    private void jump(TenantId tenant, Duration forwards) {
        String state = "credit:{" + tenant + "}:state";
        String expiries = "credit:{" + tenant + "}:expiries";
        long swept = Long.parseLong(redis.clients.commands().hget(state, "swept"));
        redis.clients.commands().hset(state, "swept", Long.toString(swept - forwards.toMillis()));
        redis.clients
                .commands()
                .zrange(expiries, 0, -1)
                .forEach(receipt -> redis.clients.commands().zincrby(expiries, (double) -forwards.toMillis(), receipt));
    }

    private double expiry(TenantId tenant, Hold hold) {
        return redis.clients
                .commands()
                .zscore("credit:{" + tenant + "}:expiries", hold.receipt().toString());
    }
}
