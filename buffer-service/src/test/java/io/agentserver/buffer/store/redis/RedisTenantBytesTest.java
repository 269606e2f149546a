package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.Retention;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class RedisTenantBytesTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final Duration TTL = Duration.ofHours(24);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private static LocalRedis server;
    private static RedisConnections redis;

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        redis = RedisConnections.open(server.url());
    }

    @AfterAll
    static void stop() {
        redis.close();
        server.close();
    }

    @Test
    void processes_hear_of_each_others_and_forget_what_has_expired() {
        RedisTenantBytes one = at(redis, NOW);
        RedisTenantBytes two = at(redis, NOW.plus(Duration.ofHours(3)));
        one.add(ACME, 100);
        assertThat(one.kept(ACME)).as("its own at once").isEqualTo(100);
        one.share();
        two.add(ACME, 20);
        two.share();
        await().untilAsserted(() -> assertThat(two.kept(ACME)).isEqualTo(120));
        assertThat(two.kept(new TenantId("other"))).isZero();
        assertThat(redis.commands().pttl("bytes:acme")).isPositive();

        RedisTenantBytes later = at(redis, NOW.plus(Duration.ofHours(26)));
        later.add(ACME, 3);
        later.share();
        await().untilAsserted(() -> assertThat(later.kept(ACME)).isEqualTo(23));
        await().untilAsserted(() ->
                assertThat(redis.commands().hlen("bytes:acme")).as("parts").isEqualTo(2));
    }

    @Test
    void a_ttl_that_is_changed_forgets_what_is_older_and_nothing_else() {
        TenantId kept = new TenantId("changed");
        RedisTenantBytes before = at(redis, NOW);
        before.add(kept, 100);
        before.share();
        await().untilAsserted(() ->
                assertThat(redis.commands().hvals("bytes:changed")).hasSize(1));
        assertThat(heardWith(Duration.ofHours(48), kept, NOW.plus(Duration.ofHours(40))))
                .as("a longer one")
                .isEqualTo(101);
        assertThat(heardWith(Duration.ofHours(6), kept, NOW.plus(Duration.ofHours(42))))
                .as("a shorter one, which has the byte of two hours before")
                .isEqualTo(2);
        assertThat(heardWith(Duration.ofHours(6), kept, NOW.plus(Duration.ofHours(60))))
                .as("when all has expired")
                .isEqualTo(1);
    }

    /** With one byte that it adds itself. */
    private static long heardWith(Duration ttl, TenantId tenant, Instant now) {
        RedisTenantBytes bytes = new RedisTenantBytes(redis, Retention.ofAll(ttl), Clock.fixed(now, ZoneOffset.UTC));
        bytes.add(tenant, 1);
        bytes.share();
        // between telling and hearing it knows of nothing
        return await().until(() -> bytes.kept(tenant), kept -> kept > 0);
    }

    @Test
    void each_tenants_bytes_count_as_long_as_its_conversations_are_kept() {
        TenantId brief = new TenantId("brief");
        TenantId lasting = new TenantId("lasting");
        AtomicReference<Instant> now = new AtomicReference<>(NOW);
        RedisTenantBytes bytes = new RedisTenantBytes(
                redis, tenant -> tenant.equals(brief) ? Duration.ofHours(1) : Duration.ofDays(90), clock(now));
        for (TenantId tenant : List.of(brief, lasting)) {
            bytes.add(tenant, 100);
        }
        bytes.share();
        await().untilAsserted(() -> {
            bytes.share();
            assertThat(redis.commands().hvals("bytes:brief")).hasSize(1);
            assertThat(List.of(bytes.kept(brief), bytes.kept(lasting))).containsExactly(100L, 100L);
        });
        assertThat(redis.commands().pttl("bytes:brief"))
                .isBetween(1L, Duration.ofHours(2).toMillis());
        now.set(NOW.plus(Duration.ofDays(80)));
        await().untilAsserted(() -> {
            bytes.share();
            assertThat(bytes.kept(brief)).isZero();
        });
        assertThat(bytes.kept(lasting)).isEqualTo(100);
    }

    @Test
    void a_tenant_that_adds_nothing_more_is_heard_of_when_its_bytes_expire() {
        TenantId full = new TenantId("full");
        AtomicReference<Instant> now = new AtomicReference<>(NOW);
        RedisTenantBytes bytes = new RedisTenantBytes(redis, Retention.ofAll(TTL), clock(now));
        bytes.add(full, 100);
        bytes.share();
        await().untilAsserted(
                        () -> assertThat(redis.commands().hvals("bytes:full")).hasSize(1));
        now.set(NOW.plus(Duration.ofHours(26)));
        await().untilAsserted(() -> {
            bytes.share();
            assertThat(bytes.kept(full))
                    .as("it is refused, and so adds nothing")
                    .isZero();
        });
    }

    @Test
    void of_a_deleted_tenant_nothing_is_told_any_more() {
        TenantId gone = new TenantId("gone");
        RedisTenantBytes bytes = at(redis, NOW);
        bytes.add(gone, 100);
        bytes.forget(gone);
        bytes.add(gone, 20); // of a step that had begun before
        bytes.share();
        bytes.add(ACME, 1);
        bytes.share();
        await().untilAsserted(
                        () -> assertThat(redis.commands().exists("bytes:acme")).isOne());
        assertThat(redis.commands().exists("bytes:gone")).isZero();
        assertThat(bytes.kept(gone)).isZero();
    }

    private static Clock clock(AtomicReference<Instant> now) {
        return new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now.get();
            }
        };
    }

    @Test
    void what_a_redis_that_is_away_did_not_take_is_told_later(@TempDir Path directory) {
        LocalRedis away = LocalRedis.start(directory, 0);
        try (RedisConnections lonely = RedisConnections.open(away.url())) {
            RedisTenantBytes bytes = at(lonely, NOW);
            away.close();
            bytes.add(ACME, 7);
            bytes.share();
            await().untilAsserted(() -> assertThat(bytes.kept(ACME)).isEqualTo(7));
            try (LocalRedis back = LocalRedis.start(directory, away.port())) {
                assertThat(back.port()).isEqualTo(away.port());
                await().untilAsserted(() -> {
                    bytes.share();
                    assertThat(lonely.commands().hvals("bytes:acme")).hasSize(1);
                });
                await().untilAsserted(() -> assertThat(bytes.kept(ACME)).isEqualTo(7));
            }
        }
    }

    private static RedisTenantBytes at(RedisConnections connections, Instant now) {
        return new RedisTenantBytes(connections, Retention.ofAll(TTL), Clock.fixed(now, ZoneOffset.UTC));
    }
}
