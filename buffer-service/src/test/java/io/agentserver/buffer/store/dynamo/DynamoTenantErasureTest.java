package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.TenantErasureContract;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.localstores.LocalDynamo;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Duration;

class DynamoTenantErasureTest extends TenantErasureContract {
    private static LocalDynamo server;
    private static DynamoDbClient dynamo;
    private static DynamoThreadStore threads;
    private static DynamoDueStore due;

    @BeforeAll
    static void start() {
        server = LocalDynamo.inMemory(0);
        dynamo = DynamoConnection.open(server.endpoint().toString());
        threads = new DynamoThreadStore(dynamo, Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
        due = new DynamoDueStore(dynamo, "due");
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
        return due;
    }

    @Override
    protected TenantErasure erasure() {
        return new DynamoTenantErasure(dynamo);
    }
}
