package io.agentserver.billing.messages;

import io.agentserver.billing.ledger.dynamo.DynamoTables;
import io.agentserver.envelope.TenantId;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;

import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How many messages an org's log had had when a day (UTC) began, in the table {@code message_days}: {@code tenant} (hash),
 * {@code day} (range). The first to write a day's number stands: all count the same. Safe on any thread.
 */
public final class DynamoDayStarts {
    private static final String TABLE = "message_days";
    private static final int MOST_FORGOTTEN = 1_000;

    private final DynamoDbClient dynamo;

    public DynamoDayStarts(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    /** Makes the table unless it is there, and waits until it can be used; any number of processes may do so at once. */
    public static void createIfAbsent(DynamoDbClient dynamo) {
        DynamoTables.createIfAbsent(
                dynamo,
                TABLE,
                table -> table.attributeDefinitions(
                                a -> a.attributeName("tenant").attributeType(ScalarAttributeType.S),
                                a -> a.attributeName("day").attributeType(ScalarAttributeType.S))
                        .keySchema(
                                k -> k.attributeName("tenant").keyType(KeyType.HASH),
                                k -> k.attributeName("day").keyType(KeyType.RANGE)));
    }

    void put(TenantId tenant, LocalDate day, long messages) {
        try {
            dynamo.putItem(request -> request.tableName(TABLE)
                    .item(Map.of(
                            "tenant", AttributeValue.fromS(tenant.value()),
                            "day", AttributeValue.fromS(day.toString()),
                            "messages", AttributeValue.fromN(String.valueOf(messages))))
                    .conditionExpression("attribute_not_exists(messages)"));
        } catch (ConditionalCheckFailedException there) {
            // another pod was first
            return;
        }
    }

    /**
     * Of an org that is gone; some of them at most.
     *
     * @return how many days; 0: there are none left
     */
    public long forget(TenantId tenant) {
        List<Map<String, AttributeValue>> keys = dynamo.query(request -> request.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("tenant = :t")
                        .projectionExpression("tenant, #day")
                        .expressionAttributeNames(Map.of("#day", "day"))
                        .expressionAttributeValues(Map.of(":t", AttributeValue.fromS(tenant.value())))
                        .limit(MOST_FORGOTTEN))
                .items();
        DynamoTables.delete(dynamo, TABLE, keys);
        return keys.size();
    }

    /** @param to inclusive */
    Map<LocalDate, Long> read(TenantId tenant, LocalDate from, LocalDate to) {
        Map<LocalDate, Long> starts = new HashMap<>();
        dynamo.queryPaginator(request -> request.tableName(TABLE)
                        .keyConditionExpression("tenant = :t AND #day BETWEEN :from AND :to")
                        .expressionAttributeNames(Map.of("#day", "day"))
                        .expressionAttributeValues(Map.of(
                                ":t", AttributeValue.fromS(tenant.value()),
                                ":from", AttributeValue.fromS(from.toString()),
                                ":to", AttributeValue.fromS(to.toString()))))
                .items()
                .forEach(item -> starts.put(
                        LocalDate.parse(Objects.requireNonNull(item.get("day")).s()),
                        Long.valueOf(
                                Objects.requireNonNull(item.get("messages")).n())));
        return starts;
    }
}
