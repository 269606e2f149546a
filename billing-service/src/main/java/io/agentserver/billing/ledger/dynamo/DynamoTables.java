package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.CreateTableRequest;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;

import java.util.function.Consumer;

/** Makes billing's tables, on demand. */
public final class DynamoTables {
    private DynamoTables() {}

    /**
     * Makes a table unless it is there, and waits until it can be used; any number of processes may do so at once.
     *
     * @param definition its keys and indexes
     */
    public static void createIfAbsent(
            DynamoDbClient dynamo, String name, Consumer<CreateTableRequest.Builder> definition) {
        try {
            dynamo.describeTable(request -> request.tableName(name));
        } catch (ResourceNotFoundException absent) {
            create(dynamo, name, definition);
        }
        try (var waiter = dynamo.waiter()) {
            waiter.waitUntilTableExists(request -> request.tableName(name));
        }
    }

    private static void create(DynamoDbClient dynamo, String name, Consumer<CreateTableRequest.Builder> definition) {
        try {
            dynamo.createTable(request -> {
                request.tableName(name).billingMode(BillingMode.PAY_PER_REQUEST);
                definition.accept(request);
            });
        } catch (ResourceInUseException madeByAnotherProcess) {
            // which is what was wanted
            return;
        }
    }
}
