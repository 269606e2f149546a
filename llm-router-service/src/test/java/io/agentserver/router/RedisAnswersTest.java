package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.router.RedisAnswers.Claim;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** claim.lua, renew.lua and end-claim.lua, on a real Redis. */
@ExtendWith(TestPlatform.Extension.class)
class RedisAnswersTest {
    private final RedisClients clients;
    private final RedisAnswers answers;
    private final String name = "acme:" + UUID.randomUUID();
    private final KeptAnswer answer = new KeptAnswer(
            new Answer.Head(UUID.randomUUID(), "p", "p/m", 1, false),
            Json.object().put("id", "c"));

    RedisAnswersTest(TestPlatform platform) {
        clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        answers = new RedisAnswers(clients.commands(), new TenantId("gone")::equals);
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
        runOut();
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(mine("body").broken()).isEqualTo(1);
        assertThat(remembered()).isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
    }

    @Test
    void keeps_an_answer_for_a_day() {
        assertThat(answers.keep(mine("body"), answer)).isTrue();
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
        assertThat(answers.claim(name, "another body")).isEqualTo(new Claim.Mismatch());
        assertThat(remembered()).isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
    }

    @Test
    void keeps_no_answer_that_comes_after_its_tenant_was_deleted() {
        String gone = "gone:" + UUID.randomUUID();
        Claim.Mine running = (Claim.Mine) answers.claim(gone, "body");
        assertThat(answers.keep(running, answer)).isTrue();
        assertThat(clients.commands().exists("once:{" + gone + "}")).isZero();
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
        runOut();
        Claim.Mine quick = mine("body");
        assertThat(answers.renew(slow)).isFalse();
        assertThat(answers.keep(slow, answer)).isFalse();
        assertThat(answers.breakOff(slow)).isFalse();
        assertThat(answers.release(slow)).isFalse();
        assertThat(answers.renew(quick)).isTrue();
        answers.breakOff(quick);
        assertThat(answers.keep(slow, answer)).isFalse();
        assertThat(mine("body").broken()).isEqualTo(2);
    }

    @Test
    void takes_back_what_ran_out_or_was_lost_if_nobody_else_has_it() {
        Claim.Mine slow = mine("body");
        runOut();
        assertThat(answers.renew(slow)).isTrue();
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Running());
        clients.commands().del("once:{" + name + "}");
        assertThat(answers.keep(slow, answer)).isTrue();
        assertThat(answers.claim(name, "body")).isEqualTo(new Claim.Done(answer));
    }

    private Claim.Mine mine(String digest) {
        return (Claim.Mine) answers.claim(name, digest);
    }

    private void runOut() {
        clients.commands().hset("once:{" + name + "}", "until", "1");
    }

    private long remembered() {
        return clients.commands().pttl("once:{" + name + "}");
    }
}
