package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.ThreadStoreContract;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

class RedisThreadStoreTest extends ThreadStoreContract {
    private static LocalRedis server;
    private static RedisThreadStore store;
    private static StatefulRedisConnection<String, String> redis;

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        store = open(server);
        redis = RedisClient.create(server.url()).connect();
    }

    @AfterAll
    static void stop() {
        redis.close();
        store.close();
        server.close();
    }

    /** One round trip would be saved, and needed for each. */
    @Override
    protected boolean isExact() {
        return false;
    }

    @Override
    protected ThreadStore store() {
        return store;
    }

    @Override
    protected void expire(ConversationKey key) {
        redis.sync().del("thread:" + key.tenant() + ":{" + key.conversation() + "}:commits");
    }

    @Test
    void says_that_redis_is_away_when_it_is_closed() {
        RedisThreadStore closed = open(server);
        closed.close();
        assertThatThrownBy(() -> closed.append(conversation(TENANT), commit(1, "one"), 0))
                .isInstanceOf(StoreUnavailableException.class);
        assertThatThrownBy(() -> closed.read(conversation(TENANT), 1, Look.FAST))
                .isInstanceOf(StoreUnavailableException.class);
    }

    @Test
    void keeps_a_conversation_as_a_list_whose_envelopes_people_can_read_and_which_expires() {
        ConversationKey key = conversation(TENANT);
        append(key, 3);
        String list = "thread:acme:{" + key.conversation() + "}:commits";
        assertThat(redis.sync().llen(list)).isEqualTo(3);
        assertThat(redis.sync().lindex(list, 1)).contains("<message>2</message>");
        assertThat(redis.sync().pttl(list)).isBetween(1L, Duration.ofHours(24).toMillis());
    }

    @Test
    void a_list_expires_when_its_tenants_retention_is_over_or_what_it_holds_may_go() {
        assertThat(hoursLeft("brief-a", commit(1, "x"))).isEqualTo(1);
        assertThat(hoursLeft("lasting-a", commit(1, "x"))).isEqualTo(90 * 24);
        Commit longer = commit(1, "x");
        longer = longer.toBuilder()
                .setKeptUntilMs(longer.getAtMs() + Duration.ofHours(5).toMillis())
                .build();
        assertThat(hoursLeft("brief-b", longer))
                .as("a commit before it has longer")
                .isEqualTo(5);
        assertThat(hoursLeft("lasting-b", longer)).as("it is written again").isEqualTo(90 * 24);
    }

    private static long hoursLeft(String tenant, Commit commit) {
        ConversationKey key = conversation(new TenantId(tenant));
        assertThat(store.append(key, commit, 0)).isTrue();
        long left = redis.sync().pttl("thread:" + tenant + ":{" + key.conversation() + "}:commits");
        return Math.ceilDiv(left, Duration.ofHours(1).toMillis());
    }

    @Test
    void restores_what_continues_the_list_and_nothing_else() {
        ConversationKey key = conversation(TENANT);
        append(key, 2);
        assertThat(store.restore(key, List.of(commit(4, "four")))).isEqualTo(2);
        assertThat(store.read(key, 1, Look.FAST)).hasSize(2);
        assertThat(store.restore(key, List.of(commit(2, "two"), commit(3, "three"), commit(4, "four"))))
                .isEqualTo(2);
        assertThat(store.read(key, 2, Look.FAST))
                .containsExactly(commit(2, "<message>2</message>"), commit(3, "three"), commit(4, "four"));
        assertThat(store.restore(key, List.of(commit(2, "two"), commit(3, "three"))))
                .isEqualTo(4);
        assertThat(store.read(key, 1, Look.FAST)).hasSize(4);
    }

    @Test
    void tells_other_processes_of_an_append() {
        Queue<String> heard = new ConcurrentLinkedQueue<>();
        try (RedisThreadStore other = open(server)) {
            other.onAppend((key, number, stops) -> heard.add(key + " " + number));
            ConversationKey key = conversation(TENANT);
            append(key, 2);
            await().untilAsserted(() -> assertThat(heard).contains(key + " 1", key + " 2"));
        }
    }

    @Test
    void says_when_it_no_longer_hears_of_appends_and_when_it_does_again(@TempDir Path directory) {
        Queue<Boolean> hears = new ConcurrentLinkedQueue<>();
        LocalRedis first = LocalRedis.start(directory, 0);
        try (RedisThreadStore listening = open(first)) {
            listening.onAppend(new AppendListener() {
                @Override
                public void appended(ConversationKey key, long number, boolean stops) {
                    // not what is asked here
                }

                @Override
                public void hears(boolean appends) {
                    hears.add(appends);
                }
            });
            await().untilAsserted(() -> assertThat(hears).containsExactly(true));
            first.close();
            await().untilAsserted(() -> assertThat(hears).startsWith(true, false));
            try (LocalRedis again = LocalRedis.start(directory, first.port())) {
                assertThat(again.port()).isEqualTo(first.port());
                await().untilAsserted(() -> assertThat(hears).last().isEqualTo(true));
            }
        }
    }

    @Test
    void does_not_take_a_redis_that_is_away_for_one_that_knows_nothing(@TempDir Path directory) {
        LocalRedis away = LocalRedis.start(directory, 0);
        try (RedisThreadStore its = open(away)) {
            ConversationKey key = conversation(TENANT);
            its.append(key, commit(1, "one"), 0);
            assertThat(its.lastNumbers(List.of(key))).containsEntry(key, 1L);
            away.close();
            await().untilAsserted(() -> assertThatThrownBy(() -> its.lastNumbers(List.of(key)))
                    .isInstanceOf(StoreUnavailableException.class));
        }
    }

    @Test
    void works_again_after_redis_has_forgotten_its_scripts() {
        redis.sync().scriptFlush();
        assertThat(store.append(conversation(TENANT), commit(1, "one"), 0)).isTrue();
    }

    @Test
    void says_that_redis_is_away_and_works_again_when_it_is_back(@TempDir Path directory) {
        LocalRedis first = LocalRedis.start(directory, 0);
        ConversationKey key = conversation(TENANT);
        try (RedisThreadStore lonely = open(first)) {
            assertThat(lonely.append(key, commit(1, "one"), 0)).isTrue();
            first.close();
            await().untilAsserted(() -> assertThatThrownBy(() -> lonely.append(key, commit(2, "two"), 1))
                    .isInstanceOf(StoreUnavailableException.class)
                    .hasMessage("Redis is away, try again"));
            try (LocalRedis again = LocalRedis.start(directory, first.port())) {
                assertThat(again.port()).isEqualTo(first.port());
                await().ignoreExceptions().until(() -> {
                    lonely.check();
                    return true;
                });
                assertThat(lonely.read(key, 1, Look.FAST)).containsExactly(commit(1, "one"));
                assertThat(lonely.append(key, commit(2, "two"), 1)).isTrue();
            }
        }
    }

    private static RedisThreadStore open(LocalRedis server) {
        return new RedisThreadStore(RedisConnections.open(server.url()), RETENTION, Clock.systemUTC());
    }
}
