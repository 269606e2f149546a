package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.StoreUnavailableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * An index of what is due in DynamoDB's table {@code due}: an item for each entry, {@code pk} = {@code <name>#<shard>}, {@code sk} = its
 * key, so that a query of a shard gives the earliest first. Expires a week after its time, when nobody has looked for so long.
 */
public final class DynamoDueStore implements DueStore {
    private static final long KEPT_SECONDS = Duration.ofDays(7).toSeconds();

    private final DynamoDbClient dynamo;
    private final String name;

    /**
     * Creates the table if it is not there.
     *
     * @param name of what is due: {@code due} for messages
     */
    public DynamoDueStore(DynamoDbClient dynamo, String name) {
        this.dynamo = dynamo;
        this.name = name;
        DueTable.createIfAbsent(dynamo);
    }

    @Override
    public void put(DueEntry entry) {
        Map<String, AttributeValue> item = Map.of(
                ThreadsTable.PK, shard(entry.shard()),
                ThreadsTable.SK, AttributeValue.fromS(entry.key()),
                ThreadsTable.EXPIRES, AttributeValue.fromN(Long.toString(entry.dueMs() / 1000 + KEPT_SECONDS)));
        ask(() -> dynamo.putItem(request -> request.tableName(DueTable.NAME).item(item)));
    }

    @Override
    public void remove(DueEntry entry) {
        Map<String, AttributeValue> key =
                Map.of(ThreadsTable.PK, shard(entry.shard()), ThreadsTable.SK, AttributeValue.fromS(entry.key()));
        ask(() -> dynamo.deleteItem(request -> request.tableName(DueTable.NAME).key(key)));
    }

    @Override
    public List<DueEntry> due(int shard, long nowMs, int limit) {
        Map<String, AttributeValue> bounds = Map.of(
                ":pk", shard(shard),
                // '$' is the character after '#'
                ":end", AttributeValue.fromS(String.format(Locale.ROOT, "%013d$", nowMs)));
        return ask(() -> dynamo
                .queryPaginator(request -> request.tableName(DueTable.NAME)
                        .keyConditionExpression("pk = :pk AND sk < :end")
                        .expressionAttributeValues(bounds)
                        .limit(limit))
                .items()
                .stream()
                .limit(limit)
                .flatMap(item -> Stream.ofNullable(item.get(ThreadsTable.SK)))
                .map(key -> DueEntry.parse(key.s()))
                .toList());
    }

    @Override
    public void check() {
        ask(() -> dynamo.describeTable(request -> request.tableName(DueTable.NAME)));
    }

    private AttributeValue shard(int shard) {
        return AttributeValue.fromS(name + "#" + shard);
    }

    private static <T> T ask(Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw new StoreUnavailableException("DynamoDB", e);
        }
    }
}
