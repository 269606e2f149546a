package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.DueStoreContract;
import io.agentserver.localstores.LocalDynamo;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

class DynamoDueStoreTest extends DueStoreContract {
    private static LocalDynamo server;
    private static DynamoDbClient dynamo;
    private static DynamoDueStore store;

    @BeforeAll
    static void start() {
        server = LocalDynamo.inMemory(0);
        dynamo = DynamoConnection.open(server.endpoint().toString());
        store = new DynamoDueStore(dynamo, "due");
    }

    @AfterAll
    static void stop() {
        dynamo.close();
        server.close();
    }

    @Override
    protected DueStore store() {
        return store;
    }
}
