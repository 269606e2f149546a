package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.DueStoreContract;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.ThreadStoreContract;
import io.agentserver.localstores.LocalRedisCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

/** The contracts of the stores on a Redis Cluster of three primaries. */
class RedisClusterTest {
    private static LocalRedisCluster cluster;
    private static RedisConnections redis;
    private static RedisThreadStore store;

    @BeforeAll
    static void start(@TempDir Path directory) {
        cluster = LocalRedisCluster.start(directory, 3, Duration.ofSeconds(15));
        redis = RedisConnections.open(cluster.url());
        store = new RedisThreadStore(RedisConnections.open(cluster.url()), Duration.ofHours(24), Clock.systemUTC());
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
            redis.commands().del("thread:acme:{" + key.conversation() + "}:commits");
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
    void the_shards_are_leased() {
        assertThat(new LeaseScript(redis, "due").renew("a")).hasSize(16);
    }
}
