package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.TenantErasureContract;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.localstores.LocalRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

class RedisTenantErasureTest extends TenantErasureContract {
    private static LocalRedis server;
    private static RedisConnections redis;
    private static RedisThreadStore threads;

    @BeforeAll
    static void start(@TempDir Path directory) {
        server = LocalRedis.start(directory, 0);
        redis = RedisConnections.open(server.url());
        threads = new RedisThreadStore(redis, Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
    }

    @AfterAll
    static void stop() {
        threads.close();
        server.close();
    }

    @Override
    protected ThreadStore threads() {
        return threads;
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
