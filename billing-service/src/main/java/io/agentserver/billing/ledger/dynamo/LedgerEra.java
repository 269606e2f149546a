package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * Which history of the ledger its table holds. DynamoDB restores a backup into another table only, and gives that an id of its
 * own: so the era is kept beside the id of the table that it was begun in, and found in any other table it is over. Whoever
 * restores by other means deletes the item.
 */
final class LedgerEra {
    private static final String ERA = "era";
    private static final String TABLE = "table_id";

    private LedgerEra() {}

    /** The same for all processes, however many ask at once. */
    static String of(DynamoDbClient dynamo) {
        String table = Objects.requireNonNullElse(
                dynamo.describeTable(request -> request.tableName(LedgerTable.NAME))
                        .table()
                        .tableId(),
                "");
        while (true) {
            Map<String, AttributeValue> kept = kept(dynamo);
            if (!kept.isEmpty() && text(kept, TABLE).equals(table)) {
                return text(kept, ERA);
            }
            begin(dynamo, table, kept);
        }
    }

    private static void begin(DynamoDbClient dynamo, String table, Map<String, AttributeValue> before) {
        Map<String, AttributeValue> item = new HashMap<>(DynamoLedgerStore.key(LedgerTable.ERA, LedgerTable.ERA));
        item.put(ERA, AttributeValue.fromS(UUID.randomUUID().toString()));
        item.put(TABLE, AttributeValue.fromS(table));
        try {
            dynamo.putItem(request -> {
                request.tableName(LedgerTable.NAME).item(item);
                if (before.isEmpty()) {
                    request.conditionExpression("attribute_not_exists(pk)");
                } else {
                    request.conditionExpression("#era = :before")
                            .expressionAttributeNames(Map.of("#era", ERA))
                            .expressionAttributeValues(Map.of(":before", AttributeValue.fromS(text(before, ERA))));
                }
            });
        } catch (ConditionalCheckFailedException another) {
            // another process began one just now: that is it
            return;
        }
    }

    private static Map<String, AttributeValue> kept(DynamoDbClient dynamo) {
        return dynamo.getItem(request -> request.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(LedgerTable.ERA, LedgerTable.ERA))
                        .consistentRead(true))
                .item();
    }

    private static String text(Map<String, AttributeValue> item, String name) {
        return Objects.requireNonNull(item.get(name), name).s();
    }
}
