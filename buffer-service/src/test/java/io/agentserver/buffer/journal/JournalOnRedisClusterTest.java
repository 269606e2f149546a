package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.localstores.LocalRedisCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

/** Each conversation is on one of three primaries. */
class JournalOnRedisClusterTest extends JournalContract {
    private static LocalRedisCluster cluster;
    private static ThreadStore store;

    @BeforeAll
    static void start(@TempDir Path directory) {
        cluster = LocalRedisCluster.start(directory, 3, Duration.ofSeconds(15));
        store = new RedisThreadStore(
                RedisConnections.open(cluster.url()), Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
    }

    @AfterAll
    static void stop() {
        store.close();
        cluster.close();
    }

    @Override
    ThreadStore store() {
        return store;
    }
}
