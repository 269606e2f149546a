package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.CreateTableRequest;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Makes billing's tables, on demand. */
public final class DynamoTables {
    /** That DynamoDB takes in one request. */
    private static final int MOST_WRITES = 25;

    private static final int MOST_ATTEMPTS = 6;

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

    /** Deletes items by their keys; what DynamoDB leaves at first is tried again, each time after a longer pause. */
    public static void delete(DynamoDbClient dynamo, String table, List<Map<String, AttributeValue>> keys) {
        for (int from = 0; from < keys.size(); from += MOST_WRITES) {
            List<WriteRequest> left = keys.subList(from, Math.min(from + MOST_WRITES, keys.size())).stream()
                    .map(key -> WriteRequest.builder()
                            .deleteRequest(d -> d.key(key))
                            .build())
                    .toList();
            for (int attempt = 1; !left.isEmpty(); attempt++) {
                if (attempt > MOST_ATTEMPTS) {
                    throw new IllegalStateException(
                            "table " + table + ": " + left.size() + " deletions were not taken; try again");
                }
                if (attempt > 1) {
                    pause(attempt);
                }
                List<WriteRequest> these = left;
                left = dynamo.batchWriteItem(b -> b.requestItems(Map.of(table, these)))
                        .unprocessedItems()
                        .getOrDefault(table, List.of());
            }
        }
    }

    private static void pause(int attempt) {
        try {
            Thread.sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(20L << attempt)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while items were deleted", e);
        }
    }
}
