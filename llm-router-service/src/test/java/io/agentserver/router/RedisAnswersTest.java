package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.router.RedisAnswers.Claim;
import io.agentserver.router.RedisAnswers.Name;
import io.agentserver.router.RedisAnswers.Ownership;
import io.agentserver.service.redis.RedisClients;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** claim.lua, renew.lua and end-claim.lua, on a real Redis; each test has a tenant of its own. */
@ExtendWith(TestPlatform.Extension.class)
class RedisAnswersTest {
    private static final int BOUND = 1_000;
    private static final int KEYS = 5;
    private static final Duration LEASE = Duration.ofMillis(300);

    private final RedisClients clients;
    private final RedisAnswers answers;
    private final TenantId tenant = new TenantId("t" + Long.toString(System.nanoTime(), 36));
    private final Name name = name("a");
    private final KeptAnswer answer = new KeptAnswer(
            new Answer.Head(UUID.randomUUID(), "p", "p/m", 1, false),
            Json.object().put("id", "c"));

    RedisAnswersTest(TestPlatform platform) {
        clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        answers = router(LEASE);
    }

    @AfterEach
    void disconnect() {
        clients.close();
    }

    @Test
    void gives_a_key_to_one_alone_and_only_for_a_while() {
        assertThat(mine("body").broken()).isZero();
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(takenOver(answers).broken()).isEqualTo(1);
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(remembered()).isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
    }

    /** Or another node has taken over whose clock is ahead. */
    @Test
    void takes_no_key_from_a_call_that_runs_though_redis_clock_has_jumped() {
        Claim.Mine running = mine("body");
        clients.commands().hset(name.key(), "until", "1");
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        await().during(LEASE.multipliedBy(3))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> answers.renew(running) == Ownership.OWN
                        && answers.claim(name, "body").equals(new Claim.Running()));
    }

    @Test
    void takes_a_key_over_that_this_router_has_seen_unrenewed_for_a_lease_though_its_callers_come_and_go() {
        Duration lease = Duration.ofSeconds(2);
        RedisAnswers patient = router(lease);
        mine("body");
        look(patient, lease.multipliedBy(3).dividedBy(4));
        pass(LEASE);
        Stopwatch later = new Stopwatch();
        takenOver(patient);
        assertThat(later.elapsed()).isLessThan(lease.multipliedBy(3).dividedBy(4));
    }

    /** Redis may have stood still meanwhile, and the call that runs could not renew it. */
    @Test
    void takes_no_key_over_at_once_that_it_has_not_looked_at_for_long() {
        Claim.Mine running = mine("body");
        look(answers, LEASE.dividedBy(2));
        pass(LEASE.multipliedBy(3));
        look(answers, LEASE.dividedBy(10));
        assertThat(answers.renew(running)).isEqualTo(Ownership.OWN);
    }

    @Test
    void begins_anew_with_a_claim_that_was_renewed_between_two_looks() {
        Claim.Mine running = mine("body");
        for (int i = 0; i < 3; i++) {
            look(answers, LEASE.dividedBy(2));
            assertThat(answers.renew(running)).isEqualTo(Ownership.OWN);
        }
    }

    @Test
    void gives_a_dead_routers_key_to_one_of_those_that_wait() {
        mine("body");
        RedisAnswers other = router(LEASE);
        look(other, LEASE.dividedBy(2));
        takenOver(answers);
        assertThat(other.claim(name, "body")).isEqualTo(new Claim.Running());
    }

    /** Waits for the key for so long, in vain. */
    private void look(RedisAnswers by, Duration time) {
        Stopwatch since = new Stopwatch();
        await().pollInterval(Duration.ofMillis(5)).until(() -> {
            assertThat(by.claim(name, "body")).isEqualTo(new Claim.Running());
            return since.left(time).isNegative();
        });
    }

    /** Another call with it would run beside the first. */
    @Test
    void makes_a_claim_again_that_redis_has_lost() {
        Claim.Mine mine = mine("body");
        clients.commands().del(name.key(), name.prefix() + "keys");
        assertThat(answers.renew(mine)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(remembered()).isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
        assertThat(answers.keep(mine, answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.renew(mine)).as("it has ended").isEqualTo(Ownership.LOST);
    }

    @Test
    void keeps_an_answer_for_a_day() {
        assertThat(answers.keep(mine("body"), answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(remembered()).isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
    }

    @Test
    void keeps_no_answer_that_comes_after_its_tenant_was_deleted() {
        Name gone = new Name(new TenantId("gone"), UUID.randomUUID().toString());
        Claim.Mine running = (Claim.Mine) answers.claim(gone, "body");
        assertThat(answers.keep(running, answer)).isEqualTo(Ownership.OWN);
        assertThat(clients.commands().exists(gone.key())).isZero();
    }

    @Test
    void remembers_how_often_a_key_ran_without_an_answer_and_with_which_body() {
        answers.breakOff(mine("body"));
        answers.breakOff(mine("body"));
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        Claim.Mine third = mine("body");
        assertThat(third.broken()).isEqualTo(2);
        answers.release(third);
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(mine("body").broken()).isEqualTo(2);
    }

    @Test
    void forgets_a_key_whose_call_has_cost_nothing() {
        answers.release(mine("body"));
        assertThat(mine("another body").broken()).isZero();
    }

    @Test
    void lets_nobody_end_or_renew_what_another_has_by_now() {
        Claim.Mine slow = mine("body");
        Claim.Mine quick = takenOver(answers);
        assertThat(answers.renew(slow)).isEqualTo(Ownership.LOST);
        assertThat(answers.keep(slow, answer)).isEqualTo(Ownership.LOST);
        assertThat(answers.breakOff(slow)).isEqualTo(Ownership.LOST);
        assertThat(answers.release(slow)).isEqualTo(Ownership.LOST);
        assertThat(answers.renew(quick)).isEqualTo(Ownership.OWN);
        answers.keep(quick, answer);
        assertThat(answers.renew(slow)).isEqualTo(Ownership.LOST);
        assertThat(answers.keep(slow, answer(1))).isEqualTo(Ownership.LOST);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
    }

    /** It was paid, and no other comes. */
    @Test
    void keeps_the_answer_of_one_whose_key_another_took_over_and_left_without_an_answer() {
        Claim.Mine slow = mine("body");
        Claim.Mine refused = takenOver(answers);
        assertThat(answers.release(refused)).isEqualTo(Ownership.OWN);
        assertThat(answers.breakOff(slow)).as("counted when it was taken over").isEqualTo(Ownership.LOST);
        assertThat(answers.keep(slow, answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.keep(slow, answer)).as("repeated").isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
        assertThat(answers.renew(slow)).isEqualTo(Ownership.LOST);
    }

    /** A failover has lost the claim alone; that the key broke before is known. */
    @Test
    void makes_a_claim_again_of_which_redis_knows_the_earlier_runs_alone() {
        answers.breakOff(mine("body"));
        Claim.Mine second = mine("body");
        clients.commands().hdel(name.key(), "owner", "until");
        assertThat(answers.renew(second)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        assertThat(answers.breakOff(second)).isEqualTo(Ownership.OWN);
        assertThat(answers.renew(second)).as("it has ended").isEqualTo(Ownership.LOST);
        assertThat(mine("body").broken()).isEqualTo(2);
    }

    @Test
    void takes_no_key_again_that_is_another_bodys_by_now() {
        Claim.Mine lost = mine("body");
        clients.commands().del(name.key());
        answers.breakOff(mine("another body"));
        assertThat(answers.renew(lost)).isEqualTo(Ownership.LOST);
        assertThat(answers.keep(lost, answer)).isEqualTo(Ownership.LOST);
        assertThat(mine("another body").broken()).isEqualTo(1);
    }

    /** Nobody runs under it: who comes next would wait for a lease. */
    @Test
    void gives_a_claim_back_that_redis_has_taken_and_did_not_answer() {
        AtomicBoolean away = new AtomicBoolean(true);
        RedisAnswers unheard = router(unansweredWhile(away), RedisAnswers.LEASE);
        assertThat(unheard.claim(name, "body")).isEqualTo(new Claim.Unavailable());
        RedisAnswers other = router(RedisAnswers.LEASE);
        assertThat(other.claim(name, "body")).isEqualTo(new Claim.Running());
        away.set(false);
        Claim next = await().atMost(Duration.ofSeconds(10))
                .until(() -> other.claim(name, "body"), claim -> claim instanceof Claim.Mine);
        assertThat(((Claim.Mine) next).broken()).isZero();
    }

    @Test
    void takes_nothing_from_another_with_a_claim_that_redis_did_not_answer() {
        Claim.Mine running = mine("body");
        AtomicBoolean away = new AtomicBoolean(true);
        RedisAnswers unheard = router(unansweredWhile(away), LEASE);
        assertThat(unheard.claim(name, "body")).isEqualTo(new Claim.Unavailable());
        away.set(false);
        await().during(Duration.ofSeconds(2)).until(() -> answers.renew(running) == Ownership.OWN);
    }

    /** Scripts run in Redis, and what it answers is lost; the first alone, for what comes later does not get there. */
    @SuppressWarnings("unchecked")
    private RedisClusterCommands<String, String> unansweredWhile(AtomicBoolean away) {
        RedisClusterCommands<String, String> reached = clients.commands();
        AtomicBoolean first = new AtomicBoolean(true);
        return (RedisClusterCommands<String, String>) Proxy.newProxyInstance(
                RedisAnswersTest.class.getClassLoader(),
                new Class<?>[] {RedisClusterCommands.class},
                (_, method, args) -> {
                    if (!away.get()) {
                        return method.invoke(reached, args);
                    }
                    if (first.compareAndSet(true, false)) {
                        method.invoke(reached, args);
                    }
                    throw new RedisCommandTimeoutException("no answer in time");
                });
    }

    @Test
    void takes_back_what_ran_out_or_was_lost_if_nobody_else_has_it() {
        Claim.Mine slow = mine("body");
        look(answers, LEASE.dividedBy(2));
        pass(LEASE);
        assertThat(answers.renew(slow)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        clients.commands().del(name.key());
        assertThat(answers.keep(slow, answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
    }

    /** What Redis answered was lost, and it was told once more. */
    @Test
    void answers_an_end_that_is_repeated_as_the_first_time() {
        Claim.Mine broken = mine("body");
        assertThat(answers.breakOff(broken)).isEqualTo(Ownership.OWN);
        assertThat(answers.breakOff(broken)).isEqualTo(Ownership.OWN);
        Claim.Mine refused = mine("body");
        assertThat(refused.broken()).as("counted once").isEqualTo(1);
        assertThat(answers.release(refused)).isEqualTo(Ownership.OWN);
        assertThat(answers.release(refused)).isEqualTo(Ownership.OWN);
        Claim.Mine whole = mine("body");
        assertThat(answers.keep(whole, answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.keep(whole, answer)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
        assertThat(clients.commands().hget(name.prefix() + "sizes", ""))
                .isEqualTo(String.valueOf(answer.json().getBytes(StandardCharsets.UTF_8).length));
        assertThat(answers.keep(broken, answer)).as("ended long ago").isEqualTo(Ownership.LOST);
    }

    @Test
    void remembers_of_an_answer_that_is_too_large_alone_that_it_was_given() {
        KeptAnswer large = answer(BOUND);
        assertThat(answers.keep(mine("body"), large)).isEqualTo(Ownership.OWN);
        assertThat(answers.claim(name, "body"))
                .isEqualTo(new Claim.Answered(large.head().receipt().toString()));
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(remembered()).isPositive();
        assertThat(clients.commands().hlen(name.prefix() + "sizes")).isZero();
    }

    @Test
    void lets_the_oldest_answers_go_where_all_are_too_large_together_and_remembers_that_they_were_given() {
        int each = answer(200).json().getBytes(StandardCharsets.UTF_8).length;
        int fit = BOUND / each;
        KeptAnswer first = answer(200);
        keep("q0", first);
        for (int i = 1; i <= fit; i++) {
            keep("q" + i, answer(200));
        }
        assertThat(answers.claim(name("q0"), "body"))
                .isEqualTo(new Claim.Answered(first.head().receipt().toString()));
        for (int i = 1; i <= fit; i++) {
            assertThat(answers.claim(name("q" + i), "body")).as("q" + i).isInstanceOf(Claim.Done.class);
        }
        assertThat(clients.commands().hget(name.prefix() + "sizes", "")).isEqualTo(String.valueOf(fit * each));
    }

    @Test
    void forgets_the_oldest_key_where_there_are_too_many() {
        for (int i = 0; i <= KEYS; i++) {
            keep("q" + i, answer(1));
        }
        assertThat(answers.claim(name("q1"), "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(answers.claim(name("q0"), "another body")).isInstanceOf(Claim.Mine.class);
        assertThat(clients.commands().zcard(name.prefix() + "keys")).isEqualTo(KEYS);
    }

    @Test
    void forgets_the_oldest_key_also_when_redis_clock_has_gone_back() {
        for (int i = 0; i < KEYS; i++) {
            keep("q" + i, answer(1));
        }
        goBack("keys", Duration.ofHours(2));
        keep("q5", answer(1));
        assertThat(answers.claim(name("q5"), "body")).isInstanceOf(Claim.Done.class);
        assertThat(answers.claim(name("q1"), "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(answers.claim(name("q0"), "another body")).isInstanceOf(Claim.Mine.class);
    }

    @Test
    void lets_the_oldest_answers_go_also_when_redis_clock_has_gone_back() {
        int fit = BOUND / answer(200).json().getBytes(StandardCharsets.UTF_8).length;
        assertThat(fit).isBetween(2, KEYS - 2);
        for (int i = 0; i < fit; i++) {
            keep("q" + i, answer(200));
        }
        goBack("answers", Duration.ofHours(2));
        keep("new", answer(200));
        keep("newer", answer(200));
        assertThat(answers.claim(name("q1"), "body")).isInstanceOf(Claim.Answered.class);
        assertThat(answers.claim(name("new"), "body")).isInstanceOf(Claim.Done.class);
        assertThat(answers.claim(name("newer"), "body")).isInstanceOf(Claim.Done.class);
    }

    /** All that is written down is so much later. */
    private void goBack(String index, Duration by) {
        String key = name.prefix() + index;
        clients.commands()
                .zrange(key, 0, -1)
                .forEach(each -> clients.commands().zincrby(key, (double) by.toMillis(), each));
    }

    @Test
    void has_no_key_in_common_with_another_tenant() {
        keep("a", answer(1));
        assertThat(answers.claim(new Name(new TenantId(tenant + "-2"), "a"), "body"))
                .isInstanceOf(Claim.Mine.class);
    }

    private Claim.Mine mine(String digest) {
        return (Claim.Mine) answers.claim(name, digest);
    }

    private void keep(String key, KeptAnswer answer) {
        assertThat(answers.keep((Claim.Mine) answers.claim(name(key), "body"), answer))
                .isEqualTo(Ownership.OWN);
    }

    private Name name(String key) {
        return new Name(tenant, key);
    }

    private static KeptAnswer answer(int length) {
        return new KeptAnswer(
                new Answer.Head(Ids.v7(), "p", "p/m", 1, false), Json.object().put("text", "x".repeat(length)));
    }

    private RedisAnswers router(Duration lease) {
        return router(clients.commands(), lease);
    }

    private static RedisAnswers router(RedisClusterCommands<String, String> redis, Duration lease) {
        return new RedisAnswers(
                redis, new RedisAnswers.Bounds(BOUND / 2, BOUND, KEYS), lease, new TenantId("gone")::equals);
    }

    /** Waits for it. */
    private Claim.Mine takenOver(RedisAnswers by) {
        return (Claim.Mine) await().pollInterval(Duration.ofMillis(5))
                .until(() -> by.claim(name, "body"), claim -> claim instanceof Claim.Mine);
    }

    private static void pass(Duration time) {
        Stopwatch since = new Stopwatch();
        await().pollInterval(Duration.ofMillis(5)).until(() -> since.left(time).isNegative());
    }

    private long remembered() {
        return clients.commands().pttl(name.key());
    }
}
