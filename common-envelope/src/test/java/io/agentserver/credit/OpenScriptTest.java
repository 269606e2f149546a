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
import static org.awaitility.Awaitility.await;

@ExtendWith(CreditRedis.Extension.class)
class OpenScriptTest {
    private static final Duration SOON = Duration.ofMillis(200);

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
        TenantId tenant = redis.newTenant();
        credit.open(tenant, new PostedBalance(100, 1), SOON, Instant.EPOCH);
        goesBack(tenant, Duration.ofHours(2));
        credit.open(tenant, new PostedBalance(100, 1), SOON, Instant.EPOCH);
        long opens = Long.parseLong(redis.clients.commands().hget(state(tenant), "opens"));
        assertThat(opens).isLessThanOrEqualTo(credit.now(tenant).plus(SOON).toEpochMilli());
    }

    /** Nobody may be let in before the routers have put their holds back; nor has anybody to wait until the old time comes again. */
    @Test
    void is_closed_for_as_long_as_it_was_to_be_where_the_clock_has_gone_back_and_not_longer() {
        TenantId tenant = redis.newTenant();
        credit.open(tenant, new PostedBalance(100, 1), SOON, Instant.EPOCH);
        goesBack(tenant, Duration.ofMinutes(10));
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1))).isEqualTo(new Reservation.Closed());
        await().atMost(Duration.ofSeconds(5))
                .until(() -> credit.reserve(tenant, hold(UUID.randomUUID(), 1)) instanceof Reservation.Held);
    }

    @Test
    void a_new_tenant_is_open_whatever_the_clock_does() {
        TenantId tenant = redis.tenantWith(100);
        goesBack(tenant, Duration.ofMinutes(10));
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1))).isInstanceOf(Reservation.Held.class);
    }

    @Test
    void opens_soon_what_an_older_billing_service_opened_which_did_not_say_for_how_long_it_was_closed() {
        TenantId tenant = redis.tenantWith(100);
        redis.clients.commands().hdel(state(tenant), "opening");
        goesBack(tenant, Duration.ofMinutes(10));
        await().atMost(Duration.ofSeconds(8))
                .until(() -> credit.reserve(tenant, hold(UUID.randomUUID(), 1)) instanceof Reservation.Held);
    }

    /** What was settled since is dated before; to forget it would let it be spent again. */
    @Test
    void forgets_nothing_where_the_clock_has_gone_back_since_it_was_asked() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        PostedBalance balance = new PostedBalance(100, 2);
        Duration jump = Duration.ofMinutes(10);
        Instant asked = credit.now(tenant).plus(jump); // before the clock went back
        credit.open(tenant, balance, Duration.ZERO, asked, Duration.ofSeconds(5));
        assertThat(redis.available(tenant)).isEqualTo(75);
        Instant past = aMomentLater(tenant); // the log was slow, and the clock has come past it again
        credit.open(tenant, balance, Duration.ZERO, past, jump);
        assertThat(redis.available(tenant)).isEqualTo(75);
    }

    /** Between two clocks that nobody sets there may be as much in ten hours. */
    @Test
    void forgets_nothing_that_a_step_back_may_have_dated_too_early_which_is_too_small_to_be_seen() {
        TenantId tenant = redis.tenantWith(100);
        credit.reserve(tenant, hold(receipt, 60));
        redis.settle(tenant, receipt, 25);
        Duration ago = Duration.ofHours(10);
        Duration step = Duration.ofSeconds(36);
        Instant asked = credit.now(tenant).minus(ago).plus(step);
        dated(tenant, receipt, 25, asked.minusSeconds(20));
        credit.open(tenant, new PostedBalance(100, 2), Duration.ZERO, asked, ago);
        assertThat(redis.available(tenant)).isEqualTo(75);
        dated(tenant, receipt, 25, asked.minusSeconds(40));
        credit.open(tenant, new PostedBalance(75, 3), Duration.ZERO, asked, ago);
        assertThat(redis.available(tenant)).isEqualTo(75);
        assertThat(redis.entries(tenant, "unposted")).isZero();
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
        dated(tenant, receipt, 25, credit.now(tenant).minusMillis(1_500));
        Instant drained = aMomentLater(tenant);
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

    private void dated(TenantId tenant, UUID settled, long price, Instant when) {
        redis.clients
                .commands()
                .hset("credit:{" + tenant + "}:unposted", settled.toString(), price + " " + when.toEpochMilli());
    }

    private boolean open(TenantId tenant, long balance, long version, Instant settledBefore) {
        return credit.open(tenant, new PostedBalance(balance, version), Duration.ZERO, settledBefore);
    }

    /** All that is written down is so much later. */
    private void goesBack(TenantId tenant, Duration by) {
        for (String field : List.of("opening", "opens")) {
            String then = redis.clients.commands().hget(state(tenant), field);
            if (then != null) {
                redis.clients
                        .commands()
                        .hset(state(tenant), field, Long.toString(Long.parseLong(then) + by.toMillis()));
            }
        }
    }

    /** When Redis' clock has gone on. */
    private Instant aMomentLater(TenantId tenant) {
        Instant later = credit.now(tenant).plusMillis(1);
        while (credit.now(tenant).isBefore(later)) {
            Thread.onSpinWait();
        }
        return later;
    }

    private static String state(TenantId tenant) {
        return "credit:{" + tenant + "}:state";
    }
}
