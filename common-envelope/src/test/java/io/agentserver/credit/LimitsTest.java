package io.agentserver.credit;

import io.agentserver.credit.Reservation.Limit;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.LlmLimits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static io.agentserver.credit.CreditRedis.hold;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** {@code reserve.lua} and {@code settle.lua}, by which a tenant's calls keep to its limits. */
@ExtendWith(CreditRedis.Extension.class)
class LimitsTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final CreditRedis redis;
    private final Credit credit;
    private final TenantId tenant;

    LimitsTest(CreditRedis redis) {
        this.redis = redis;
        this.credit = redis.credit;
        this.tenant = redis.tenantWith(1_000_000);
    }

    @Test
    void lets_as_many_requests_begin_in_a_minute_as_the_limit_says() {
        LlmLimits limits = new LlmLimits(2, 0, 0, false);
        assertThat(held(1, limits).minute().requests().left()).isEqualTo(1);
        assertThat(held(1, limits).minute().requests().left()).isZero();
        Reservation.Limited third = limited(1, limits);
        assertThat(third.limit()).isEqualTo(Limit.REQUESTS);
        assertThat(third.retryAfter().orElseThrow()).isBetween(MINUTE.minusSeconds(30), MINUTE);
        assertThat(third.minute().requests().reset())
                .isGreaterThanOrEqualTo(third.retryAfter().orElseThrow());
        assertThat(third.minute().tokens().isLimited()).isFalse();
        assertThat(redis.available(tenant)).as("nothing is held for it").isEqualTo(1_000_000 - 2);
    }

    @Test
    void counts_a_call_that_runs_with_the_most_that_it_may_use_and_one_that_is_over_with_what_it_has_used() {
        LlmLimits limits = new LlmLimits(0, 1_000, 0, false);
        Held first = reserve(900, limits);
        assertThat(limited(101, limits).limit()).isEqualTo(Limit.TOKENS);
        assertThat(settle(first, new Spent(1, 1, 150))).isTrue();
        assertThat(held(850, limits).minute().tokens().left()).isZero();
        assertThat(settle(first, new Spent(1, 1, 0))).as("it was settled").isFalse();
        assertThat(limited(1, limits).limit()).isEqualTo(Limit.TOKENS);
    }

    @Test
    void counts_what_is_used_over_what_was_held() {
        LlmLimits limits = new LlmLimits(0, 1_000, 0, false);
        Held first = reserve(100, limits);
        settle(first, new Spent(1, 1, 1_200));
        assertThat(limited(1, limits).minute().tokens().left()).isZero();
    }

    @Test
    void forgets_a_call_that_nobody_has_answered() {
        LlmLimits limits = new LlmLimits(1, 1_000, 0, false);
        Held failed = reserve(1_000, limits);
        limited(1, limits);
        settle(failed, Spent.NOTHING);
        assertThat(held(1_000, limits).minute().requests().left()).isZero();
    }

    @Test
    void says_that_a_call_never_fits_which_is_larger_than_the_limit() {
        Reservation.Limited never = limited(1_001, new LlmLimits(0, 1_000, 0, false));
        assertThat(never.retryAfter()).isEmpty();
        assertThat(never.minute().tokens()).isEqualTo(new Minute.Part(1_000, 1_000, Duration.ZERO));
    }

    @Test
    void says_so_also_where_waiting_would_help_with_another_limit() {
        LlmLimits limits = new LlmLimits(1, 1_000, 1, false);
        held(1, limits);
        Reservation.Limited never = limited(1_001, limits);
        assertThat(never.retryAfter()).isEmpty();
        assertThat(never.over()).startsWith(Limit.TOKENS).hasSize(3);
    }

    @Test
    void has_a_call_wait_for_the_last_of_the_limits_that_it_is_over() {
        LlmLimits limits = new LlmLimits(3, 1_000, 0, false);
        used(Map.of(57, 1L, 40, 1L, 10, 900L));
        Reservation.Limited waits = limited(200, limits);
        assertThat(waits.over()).containsExactly(Limit.TOKENS, Limit.REQUESTS);
        assertThat(waits.retryAfter().orElseThrow()).isBetween(Duration.ofSeconds(41), Duration.ofSeconds(50));
    }

    @Test
    void has_a_call_wait_until_as_much_is_over_a_minute_old_as_it_needs() {
        LlmLimits limits = new LlmLimits(0, 1_000, 0, false);
        used(Map.of(100, 5_000L, 50, 300L, 30, 400L, 10, 300L));
        Duration little = limited(300, limits).retryAfter().orElseThrow();
        Duration more = limited(301, limits).retryAfter().orElseThrow();
        assertThat(little).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(10));
        assertThat(more).isBetween(Duration.ofSeconds(21), Duration.ofSeconds(30));
        assertThat(redis.entries(tenant, "seconds"))
                .as("what is over a minute old is gone")
                .isEqualTo(3);
    }

    /** A second counts for a minute and not for longer. */
    @Test
    void refuses_nobody_who_keeps_to_the_limit_all_the_time() {
        LlmLimits limits = new LlmLimits(60, 0, 0, false);
        used(IntStream.rangeClosed(1, 60).boxed().collect(Collectors.toMap(ago -> ago, _ -> 1L)));
        held(1, limits);
        assertThat(limited(1, limits).retryAfter().orElseThrow())
                .isBetween(Duration.ofMillis(1), Duration.ofSeconds(1));
    }

    @Test
    void has_nobody_wait_for_longer_than_a_minute_after_the_last_call() {
        long seed = RandomGenerator.getDefault().nextLong();
        Random random = new Random(seed);
        LlmLimits limits = new LlmLimits(0, 1_000, 0, false);
        for (int i = 0; i < 300; i++) {
            Map<Integer, Long> uses = random.ints(1 + random.nextInt(60), 0, 55)
                    .distinct()
                    .boxed()
                    .collect(Collectors.toMap(ago -> ago, _ -> 1L + random.nextInt(100)));
            redis.clients.commands().del("credit:{" + tenant + "}:seconds");
            used(uses);
            Duration all = limited(1_000, limits).retryAfter().orElseThrow();
            int latest = uses.keySet().stream().min(Integer::compare).orElseThrow();
            assertThat(all)
                    .as("seed %d, round %d: %s", seed, i, uses)
                    .isBetween(Duration.ofMillis(1), MINUTE)
                    .isCloseTo(MINUTE.minusSeconds(latest), Duration.ofSeconds(2));
        }
    }

    @Test
    void gives_back_nothing_of_a_minute_that_is_over() {
        LlmLimits limits = new LlmLimits(0, 1_000, 0, false);
        Held slow = reserve(900, limits);
        redis.clients.commands().del("credit:{" + tenant + "}:seconds");
        held(1_000, limits);
        settle(new Held(slow.hold(), new Counted("17", 900), slow.minute()), new Spent(1, 1, 100));
        assertThat(limited(1, limits).minute().tokens().left()).isZero();
    }

    @Test
    void lets_as_many_calls_run_at_once_as_the_limit_says() {
        LlmLimits limits = new LlmLimits(0, 0, 2, false);
        Held first = reserve(1, limits);
        held(1, limits);
        Reservation.Limited third = limited(1, limits);
        assertThat(third.limit()).isEqualTo(Limit.CONCURRENCY);
        assertThat(third.retryAfter()).contains(Duration.ofSeconds(1));
        settle(first, new Spent(1, 1, 1));
        held(1, limits);
    }

    @Test
    void frees_the_place_of_a_call_whose_router_has_died() {
        LlmLimits limits = new LlmLimits(0, 0, 1, false);
        credit.reserve(tenant, hold(UUID.randomUUID(), 1).living(Duration.ofMillis(300)), 1, limits);
        await().until(() -> credit.reserve(tenant, hold(UUID.randomUUID(), 1), 1, limits) instanceof Reservation.Held);
    }

    @Test
    void counts_in_shadow_and_refuses_nothing() {
        LlmLimits limits = new LlmLimits(1, 1_000, 1, true);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1), 800, limits))
                .isInstanceOfSatisfying(
                        Reservation.Held.class,
                        first -> assertThat(first.over()).isEmpty());
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1), 800, limits))
                .isInstanceOfSatisfying(Reservation.Held.class, second -> {
                    assertThat(second.over())
                            .as("all of them: an operator who tries them sees each")
                            .containsExactlyInAnyOrder(Limit.REQUESTS, Limit.TOKENS, Limit.CONCURRENCY);
                    assertThat(second.minute().tokens().left()).isZero();
                });
        assertThat(limited(1, new LlmLimits(0, 1_600, 0, false)).limit())
                .as("it was counted")
                .isEqualTo(Limit.TOKENS);
    }

    @Test
    void takes_what_is_repeated_once_and_knows_how_it_was_counted() {
        LlmLimits limits = new LlmLimits(2, 1_000, 1, false);
        Hold hold = hold(UUID.randomUUID(), 1);
        Reservation.Held first = (Reservation.Held) credit.reserve(tenant, hold, 600, limits);
        assertThat(credit.reserve(tenant, hold, 600, limits)).isInstanceOfSatisfying(Reservation.Held.class, again -> {
            assertThat(again.minute().tokens().left()).isEqualTo(400);
            assertThat(again.counted()).isEqualTo(first.counted());
            settle(new Held(hold, again.counted(), again.minute()), new Spent(1, 1, 20));
        });
        assertThat(held(1, limits).minute().tokens().left()).isEqualTo(1_000 - 20 - 1);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1), 1, LlmLimits.NONE))
                .isEqualTo(new Reservation.Held(
                        redis.standing(tenant).epoch().orElseThrow(), Counted.NOT, Minute.UNLIMITED, List.of()));
    }

    /** Redis' answers were lost, and it was asked again and again. */
    @Test
    void knows_how_it_was_counted_however_often_it_is_repeated() {
        LlmLimits limits = new LlmLimits(2, 1_000, 0, false);
        Hold hold = hold(UUID.randomUUID(), 1);
        Reservation.Held first = (Reservation.Held) credit.reserve(tenant, hold, 600, limits);
        Double lapses = expiry(hold);
        for (int i = 0; i < 2; i++) {
            Instant next = credit.now(tenant).plusSeconds(1);
            await().until(() -> credit.now(tenant).isAfter(next));
            Reservation.Held again = (Reservation.Held) credit.reserve(tenant, hold, 600, limits);
            assertThat(again.counted()).isEqualTo(first.counted());
            assertThat(again.minute().tokens().left()).isEqualTo(400);
            assertThat(again.minute().requests().left()).isEqualTo(1);
        }
        assertThat(expiry(hold)).isEqualTo(lapses);
    }

    private Double expiry(Hold hold) {
        return redis.clients
                .commands()
                .zscore("credit:{" + tenant + "}:expiries", hold.receipt().toString());
    }

    /** Redis' clock has gone back, or another node's is behind. */
    @Test
    void does_not_count_what_was_used_in_a_time_that_is_yet_to_come() {
        used(Map.of(-600, 1_000L));
        assertThat(held(1_000, new LlmLimits(2, 1_000, 0, false))
                        .minute()
                        .requests()
                        .left())
                .isEqualTo(1);
        assertThat(redis.entries(tenant, "seconds")).isEqualTo(1);
    }

    @Test
    void says_what_is_left_of_the_minute_also_where_there_is_no_credit_or_none_is_known() {
        LlmLimits limits = new LlmLimits(5, 1_000, 0, false);
        used(Map.of(10, 300L));
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1_000_001), 1, limits))
                .isInstanceOfSatisfying(Reservation.Exhausted.class, poor -> {
                    assertThat(poor.available()).isEqualTo(1_000_000);
                    assertThat(poor.minute().requests().left()).isEqualTo(4);
                    assertThat(poor.minute().tokens().left()).isEqualTo(700);
                });
        credit.close(tenant);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1), 1, limits))
                .isInstanceOfSatisfying(
                        Reservation.Closed.class,
                        closed -> assertThat(closed.minute().tokens().left()).isEqualTo(700));
    }

    @Test
    void counts_nothing_that_there_is_no_credit_for() {
        LlmLimits limits = new LlmLimits(1, 0, 0, false);
        assertThat(credit.reserve(tenant, hold(UUID.randomUUID(), 1_000_001), 1, limits))
                .isInstanceOf(Reservation.Exhausted.class);
        held(1, limits);
    }

    @Test
    void leaves_nothing_in_redis_of_a_tenant_that_is_quiet() {
        held(1, new LlmLimits(1, 1, 0, false));
        assertThat(redis.clients.commands().pttl("credit:{" + tenant + "}:seconds"))
                .isBetween(60_000L, 61_000L);
    }

    private record Held(Hold hold, Counted counted, Minute minute) {}

    private Held reserve(long tokens, LlmLimits limits) {
        Hold hold = hold(UUID.randomUUID(), 1);
        Reservation.Held held = (Reservation.Held) credit.reserve(tenant, hold, tokens, limits);
        return new Held(hold, held.counted(), held.minute());
    }

    private Reservation.Held held(long tokens, LlmLimits limits) {
        return (Reservation.Held) credit.reserve(tenant, hold(UUID.randomUUID(), 1), tokens, limits);
    }

    private Reservation.Limited limited(long tokens, LlmLimits limits) {
        return (Reservation.Limited) credit.reserve(tenant, hold(UUID.randomUUID(), 1), tokens, limits);
    }

    private boolean settle(Held held, Spent spent) {
        return credit.settle(tenant, held.hold(), held.counted(), spent, "")
                .toCompletableFuture()
                .join();
    }

    /** @param tokens how many seconds ago to how many, by one request each */
    private void used(Map<Integer, Long> tokens) {
        long now = credit.now(tenant).toEpochMilli();
        tokens.forEach((ago, used) -> {
            long then = now - ago * 1_000L;
            redis.clients
                    .commands()
                    .hset("credit:{" + tenant + "}:seconds", String.valueOf(then / 1_000), "1 " + used + " " + then);
        });
    }
}
