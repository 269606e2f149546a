package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.router.RedisCache.Found;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Kept answers on a real Redis; each test has a tenant of its own. */
@ExtendWith(TestPlatform.Extension.class)
class RedisCacheTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final TenantId GONE = new TenantId("gone");
    private static final int BOUND = 1_000;

    private final RedisClients clients;
    private final RedisCache cache;
    private final TenantId tenant = new TenantId("t" + Long.toString(System.nanoTime(), 36));

    RedisCacheTest(TestPlatform platform) {
        clients = RedisClients.connect(platform.redis(), Duration.ofSeconds(5));
        cache = new RedisCache(clients, new RedisCache.Bounds(BOUND / 2, BOUND), GONE::equals);
    }

    @AfterEach
    void disconnect() {
        clients.close();
    }

    @Test
    void gives_the_right_to_make_an_answer_to_one_of_those_who_find_none() {
        Found.Mine mine = (Found.Mine) cache.look(key("a"), LONG);
        assertThat(cache.look(key("a"), LONG))
                .isEqualTo(new Found.Running(mine.owner().toString()));
        assertThat(cache.look(key("a")))
                .isEqualTo(new Found.Running(mine.owner().toString()));
        assertThat(cache.look(key("b"))).isEqualTo(new Found.Nothing());
    }

    @Test
    void frees_the_right_when_it_is_given_back_or_has_lapsed_and_takes_it_from_nobody_else() {
        Found.Mine mine = (Found.Mine) cache.look(key("a"), LONG);
        cache.giveBack(key("a"), UUID.randomUUID());
        assertThat(cache.look(key("a"))).isInstanceOf(Found.Running.class);
        cache.giveBack(key("a"), mine.owner());
        assertThat(cache.look(key("a"), LONG)).isInstanceOf(Found.Mine.class);
        cache.look(key("b"), Duration.ofMillis(50));
        await().until(() -> cache.look(key("b"), LONG) instanceof Found.Mine);
    }

    @Test
    void renews_the_right() {
        Found.Mine mine = (Found.Mine) cache.look(key("a"), Duration.ofSeconds(20));
        cache.renew(key("a"), mine.owner(), LONG);
        await().until(() -> clients.commands().pttl(key("a").name()) > 60_000);
    }

    @Test
    void keeps_an_answer_for_its_time() {
        KeptAnswer answer = answer(100);
        cache.look(key("a"), LONG);
        assertThat(cache.keep(key("a"), answer, LONG)).isTrue();
        await().until(() -> cache.look(key("a"), LONG), new Found.Hit(answer)::equals);
        assertThat(clients.commands().pttl(key("a").name())).isBetween(3_500_000L, 3_600_000L);
        cache.keep(key("a"), answer, Duration.ofMillis(100));
        await().until(() -> cache.look(key("a")) instanceof Found.Nothing);
        assertThat(clients.commands().keys(key("a").prefix() + "*"))
                .as("the index lives no longer than what it counts")
                .allMatch(name -> clients.commands().pttl(name) <= LONG.toMillis());
    }

    @Test
    void keeps_no_answer_that_is_too_large_alone() {
        assertThat(cache.keep(key("a"), answer(BOUND), LONG)).isFalse();
        assertThat(cache.look(key("a"))).isEqualTo(new Found.Nothing());
    }

    @Test
    void lets_the_first_to_expire_go_where_all_are_too_large_together() {
        int each = size(answer(100));
        int fit = BOUND / each;
        for (int i = 0; i <= fit; i++) {
            keep(key("q" + i), answer(100), LONG.plusSeconds(i));
        }
        assertThat(cache.look(key("q0"))).isEqualTo(new Found.Nothing());
        for (int i = 1; i <= fit; i++) {
            assertThat(cache.look(key("q" + i))).as("q" + i).isInstanceOf(Found.Hit.class);
        }
        assertThat(total()).isEqualTo(fit * each);
    }

    @Test
    void counts_an_answer_that_is_kept_again_once_and_one_that_has_expired_no_longer() {
        keep(key("a"), answer(100), LONG);
        keep(key("a"), answer(120), LONG);
        assertThat(total()).isEqualTo(size(answer(120)));
        cache.keep(key("b"), answer(100), Duration.ofMillis(50));
        await().until(() -> clients.commands().hlen(key("a").prefix() + "sizes") == 3);
        await().until(() -> cache.look(key("b")) instanceof Found.Nothing);
        keep(key("c"), answer(100), LONG);
        assertThat(total()).isEqualTo(size(answer(120)) + size(answer(100)));
    }

    @Test
    void keeps_nothing_of_a_tenant_that_was_deleted() {
        CacheKey gone = CacheKey.of(GONE, route(), request("a"));
        assertThat(cache.look(gone, LONG)).isEqualTo(new Found.Nothing());
        assertThat(cache.keep(gone, answer(100), LONG)).isFalse();
        assertThat(clients.commands().keys(gone.prefix() + "*")).isEmpty();
    }

    @Test
    void has_no_key_in_common_with_another_tenant() {
        keep(key("a"), answer(100), LONG);
        CacheKey others = CacheKey.of(new TenantId("someone-else"), route(), request("a"));
        assertThat(others.digest()).isNotEqualTo(key("a").digest());
        assertThat(cache.look(others)).isEqualTo(new Found.Nothing());
    }

    private void keep(CacheKey key, KeptAnswer answer, Duration ttl) {
        assertThat(cache.keep(key, answer, ttl)).isTrue();
        await().until(() -> cache.look(key), new Found.Hit(answer)::equals);
    }

    private int total() {
        return Integer.parseInt(clients.commands().hget(key("a").prefix() + "sizes", ""));
    }

    private static int size(KeptAnswer answer) {
        return answer.json().getBytes(StandardCharsets.UTF_8).length;
    }

    private static KeptAnswer answer(int length) {
        return new KeptAnswer(
                new Answer.Head(new UUID(1, 2), "pool", "pool/m", 1, false),
                Json.object().put("text", "x".repeat(length)));
    }

    private CacheKey key(String question) {
        return CacheKey.of(tenant, route(), request(question));
    }

    private static Route route() {
        Backend backend = new SimulatedBackend(Clock.systemUTC());
        return new Route(
                "r", List.of(new Route.Target(backend, "m")), Optional.empty(), Route.Limits.DEFAULT, Route.MAX_OUTPUT);
    }

    private static ChatRequest request(String question) {
        byte[] body =
                RunningRouter.asking("r").replace("How are you?", question).getBytes(StandardCharsets.UTF_8);
        return ((ChatRequest.Reading.Read) ChatRequest.read(body)).request();
    }
}
