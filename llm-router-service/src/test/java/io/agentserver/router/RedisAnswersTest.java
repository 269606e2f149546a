package io.agentserver.router;

import io.agentserver.router.RedisAnswers.Claim;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.time.Duration;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** compare-and-set.lua and the claims around it, on a real Redis. */
@ExtendWith(TestPlatform.Extension.class)
class RedisAnswersTest {
    private final RedisClients clients;
    private final RedisAnswers answers;
    private final String name = "acme:" + UUID.randomUUID();

    RedisAnswersTest(TestPlatform platform) {
        clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        answers = new RedisAnswers(clients.commands());
    }

    @AfterEach
    void disconnect() {
        clients.close();
    }

    @Test
    void gives_a_claim_to_one_alone_and_only_for_a_while() {
        assertThat(answers.claim(name, "mine")).isEqualTo(new Claim.Mine());
        assertThat(answers.claim(name, "yours")).isEqualTo(new Claim.Held("mine"));
        assertThat(clients.commands().pttl("idem:{" + name + "}")).isBetween(1L, RedisAnswers.LEASE.toMillis());
    }

    @Test
    void replaces_only_what_is_the_callers_own() {
        answers.claim(name, "mine");
        assertThat(answers.replace(name, "yours", "stolen", RedisAnswers.KEPT)).isFalse();
        assertThat(answers.replace(name, "mine", "answer", RedisAnswers.KEPT)).isTrue();
        assertThat(answers.claim(name, "yours")).isEqualTo(new Claim.Held("answer"));
        assertThat(clients.commands().pttl("idem:{" + name + "}"))
                .isBetween(RedisAnswers.KEPT.minusMinutes(1).toMillis(), RedisAnswers.KEPT.toMillis());
        assertThat(answers.replace(name, "mine", "mine", RedisAnswers.LEASE)).isFalse();
    }

    @Test
    void takes_a_lease_that_ran_out_back_if_nobody_else_has_it() {
        assertThat(answers.replace(name, "mine", "answer", RedisAnswers.KEPT)).isTrue();
        assertThat(answers.claim(name, "yours")).isEqualTo(new Claim.Held("answer"));
    }

    @Test
    void removes_its_own_claim_and_not_anothers() {
        answers.claim(name, "mine");
        answers.remove(name, "yours");
        assertThat(answers.claim(name, "yours")).isEqualTo(new Claim.Held("mine"));
        answers.remove(name, "mine");
        assertThat(answers.claim(name, "yours")).isEqualTo(new Claim.Mine());
    }
}
