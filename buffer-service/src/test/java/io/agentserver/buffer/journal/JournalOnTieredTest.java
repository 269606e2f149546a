package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

class JournalOnTieredTest extends JournalContract {
    private static LocalRedis redis;
    private static LocalDynamo dynamo;
    private static ThreadStore store;

    @BeforeAll
    static void start(@TempDir Path directory) {
        redis = LocalRedis.start(directory, 0);
        dynamo = LocalDynamo.inMemory(0);
        Retention ttl = Retention.ofAll(Duration.ofHours(24));
        store = new TieredThreadStore(
                new DynamoThreadStore(DynamoConnection.open(dynamo.endpoint().toString()), ttl, Clock.systemUTC()),
                new RedisThreadStore(RedisConnections.open(redis.url()), ttl, Clock.systemUTC()),
                CircuitBreaker.ofDefaults("redis"));
    }

    @AfterAll
    static void stop() {
        store.close();
        dynamo.close();
        redis.close();
    }

    @Override
    ThreadStore store() {
        return store;
    }
}
