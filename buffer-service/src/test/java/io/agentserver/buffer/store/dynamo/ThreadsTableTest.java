package io.agentserver.buffer.store.dynamo;

import io.agentserver.localstores.LocalDynamo;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.TimeToLiveStatus;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

import static org.assertj.core.api.Assertions.assertThat;

class ThreadsTableTest {
    @Test
    void another_process_may_let_it_expire_between_our_look_and_our_change() {
        try (LocalDynamo server = LocalDynamo.inMemory(0);
                DynamoDbClient dynamo = DynamoConnection.open(server.endpoint().toString())) {
            ThreadsTable.createIfAbsent(afterEachLookExpiring(dynamo));
            assertThat(dynamo.describeTimeToLive(request -> request.tableName(ThreadsTable.NAME))
                            .timeToLiveDescription()
                            .timeToLiveStatus())
                    .isEqualTo(TimeToLiveStatus.ENABLED);
        }
    }

    /** The other process: once ours has seen that nothing expires, it changes that. */
    private static DynamoDbClient afterEachLookExpiring(DynamoDbClient dynamo) {
        return (DynamoDbClient) Proxy.newProxyInstance(
                ThreadsTableTest.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, args) -> {
                    try {
                        Object answer = method.invoke(dynamo, args);
                        if (method.getName().equals("describeTimeToLive")
                                && answer.toString().contains("DISABLED")) {
                            dynamo.updateTimeToLive(request -> request.tableName(ThreadsTable.NAME)
                                    .timeToLiveSpecification(
                                            ttl -> ttl.enabled(true).attributeName(ThreadsTable.EXPIRES)));
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
