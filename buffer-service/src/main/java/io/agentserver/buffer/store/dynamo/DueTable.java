package io.agentserver.buffer.store.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;

import java.util.List;

/** The table {@code due}: its keys and its expiry, named as in {@link ThreadsTable}. */
final class DueTable {
    static final String NAME = "due";
    /** The names of what it holds, before {@code #<shard>} in {@code pk}. */
    static final List<String> INDEXES = List.of("due", "backup");

    private DueTable() {}

    /** Creates it if it is not there. Two processes may do so at once. */
    static void createIfAbsent(DynamoDbClient dynamo) {
        try {
            dynamo.describeTable(request -> request.tableName(NAME));
        } catch (ResourceNotFoundException absent) {
            create(dynamo);
        }
        ThreadsTable.awaitAndExpire(dynamo, NAME);
    }

    private static void create(DynamoDbClient dynamo) {
        try {
            dynamo.createTable(request -> request.tableName(NAME)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(
                            ThreadsTable.attribute(ThreadsTable.PK, ScalarAttributeType.S),
                            ThreadsTable.attribute(ThreadsTable.SK, ScalarAttributeType.S))
                    .keySchema(
                            ThreadsTable.key(ThreadsTable.PK, KeyType.HASH),
                            ThreadsTable.key(ThreadsTable.SK, KeyType.RANGE)));
        } catch (ResourceInUseException anotherProcessWasFirst) {
            // what it makes is the same
        }
    }
}
