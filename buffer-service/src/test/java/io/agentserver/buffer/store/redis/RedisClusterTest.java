package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.DueStoreContract;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.TenantErasureContract;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.ThreadStoreContract;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalRedisCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** The contracts of the stores on a Redis Cluster of three primaries. */
class RedisClusterTest {
    private static LocalRedisCluster cluster;
    private static RedisConnections redis;
    private static RedisThreadStore store;

    @BeforeAll
    static void start(@TempDir Path directory) {
        cluster = LocalRedisCluster.start(directory, 3, Duration.ofSeconds(15));
        redis = RedisConnections.open(cluster.url());
        store = new RedisThreadStore(
                RedisConnections.open(cluster.url()), ThreadStoreContract.RETENTION, Clock.systemUTC());
    }

    @AfterAll
    static void stop() {
        store.close();
        redis.close();
        cluster.close();
    }

    @Nested
    class Threads extends ThreadStoreContract {
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
            redis.commands().del("thread:" + key.tenant() + ":{" + key.conversation() + "}:commits");
        }

        @Test
        void a_conversation_is_on_one_node_and_a_tenant_on_all() {
            for (int i = 0; i < 200; i++) {
                append(conversation(TENANT), 1);
            }
            for (int node = 0; node < 3; node++) {
                try (RedisConnections one =
                        RedisConnections.open(cluster.node(node).url())) {
                    assertThat(one.commands().dbsize()).as("node " + node).isGreaterThan(20);
                }
            }
        }
    }

    @Nested
    class Due extends DueStoreContract {
        @Override
        protected DueStore store() {
            return new RedisDueStore(redis, "due");
        }
    }

    @Test
    void lists_are_read_from_replicas_and_journals_from_primaries() {
        TenantId tenant = new TenantId("reader");
        ConversationKey key = new ConversationKey(tenant, new ThreadId(Ids.v7()));
        long now = System.currentTimeMillis();
        for (int number = 1; number <= 3; number++) {
            store.append(key, Commit.newBuilder().setNumber(number).setAtMs(now).build(), number == 1 ? 0 : now);
            assertThat(store.read(key, 1, Look.FAST)).hasSize(number);
        }
        // a client that came with the cluster may not have heard yet who replicates whom
        await().atMost(Duration.ofMinutes(1)).until(() -> listed(tenant) == 1 && calls("zrevrangebyscore", false) > 0);
        long byPrimaries = calls("zrevrangebyscore", true);
        long byReplicas = calls("zrevrangebyscore", false);
        long journalByPrimaries = calls("lrange", true);
        for (int i = 0; i < 10; i++) {
            assertThat(listed(tenant)).isEqualTo(1);
            assertThat(store.read(key, 1, Look.FAST)).hasSize(3);
        }
        assertThat(calls("zrevrangebyscore", false)).isEqualTo(byReplicas + 10);
        assertThat(calls("zrevrangebyscore", true)).isEqualTo(byPrimaries);
        assertThat(calls("lrange", true)).isEqualTo(journalByPrimaries + 10);
        assertThat(calls("lrange", false)).isZero();
    }

    private static int listed(TenantId tenant) {
        return store.recent(tenant, Order.NEWEST_FIRST, 10, Optional.empty())
                .conversations()
                .size();
    }

    /** How often the primaries, or their replicas, have run a command. */
    private static long calls(String command, boolean primaries) {
        Pattern calls = Pattern.compile("cmdstat_" + command + ":calls=(\\d+)");
        long sum = 0;
        for (int node = 0; node < 6; node++) {
            if (cluster.isPrimary(node) == primaries) {
                try (RedisConnections one =
                        RedisConnections.open(cluster.node(node).url())) {
                    Matcher found = calls.matcher(one.commands().info("commandstats"));
                    sum += found.find() ? Long.parseLong(found.group(1)) : 0;
                }
            }
        }
        return sum;
    }

    @Test
    void the_shards_are_leased() {
        assertThat(new LeaseScript(redis, "due").renew("a")).hasSize(16);
    }

    @Nested
    class Deletion extends TenantErasureContract {
        @Override
        protected ThreadStore threads() {
            return store;
        }

        @Override
        protected DueStore due() {
            return new RedisDueStore(redis, "due");
        }

        @Override
        protected TenantErasure erasure() {
            return new RedisTenantErasure(redis);
        }
    }
}
