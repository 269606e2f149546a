package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.localstores.LocalRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

class JournalOnRedisTest extends JournalContract {
    private static LocalRedis server;
    private static ThreadStore store;

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        store = new RedisThreadStore(
                RedisConnections.open(server.url()), Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
    }

    @AfterAll
    static void stop() {
        store.close();
        server.close();
    }

    @Override
    ThreadStore store() {
        return store;
    }
}
