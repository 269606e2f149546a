package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.StoreUnavailableException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

import static io.agentserver.buffer.store.dynamo.DynamoThreadStore.COMMIT;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.PK;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.SK;

/**
 * What is left of an erased conversation's items: one for each number, without content, as long as the erasure itself; the texts
 * that they named go.
 */
final class ErasedItems {
    /** That DynamoDB takes in one request. */
    private static final int MOST_WRITES = 25;

    private static final int MOST_ATTEMPTS = 6;

    private final DynamoDbClient dynamo;

    ErasedItems(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    /**
     * Repeating it is harmless: what is empty already is not written again.
     *
     * @param expires of what is left, in seconds since 1970
     * @throws StoreUnavailableException if DynamoDB does not take all of it
     */
    void write(ConversationKey key, Commit erasure, String expires) {
        QueryRequest query = QueryRequest.builder()
                .tableName(ThreadsTable.NAME)
                .consistentRead(true)
                .keyConditionExpression("pk = :pk AND sk < :erasure")
                .filterExpression("attribute_not_exists(erased)")
                .projectionExpression(SK)
                .expressionAttributeValues(Map.of(
                        ":pk", AttributeValue.fromS(key.toString()),
                        // "body#…" comes before all commits
                        ":erasure", AttributeValue.fromS(DynamoThreadStore.commitKey(erasure.getNumber()))))
                .build();
        List<WriteRequest> writes = dynamo.queryPaginator(query).items().stream()
                .map(item -> DynamoThreadStore.text(item, SK))
                .map(sk -> sk.startsWith(COMMIT) ? emptied(key, sk, expires, erasure) : deleted(key, sk))
                .toList();
        for (int from = 0; from < writes.size(); from += MOST_WRITES) {
            writeAll(writes.subList(from, Math.min(from + MOST_WRITES, writes.size())));
        }
    }

    private static WriteRequest emptied(ConversationKey key, String sk, String expires, Commit erasure) {
        Map<String, AttributeValue> attributes = new HashMap<>(
                CommitItems.write(Erasures.placeholder(erasure, Long.parseLong(sk.substring(COMMIT.length()))))
                        .attributes());
        attributes.put("erased", AttributeValue.fromBool(true));
        Map<String, AttributeValue> item = DynamoThreadStore.item(key, sk, expires, attributes);
        return WriteRequest.builder().putRequest(put -> put.item(item)).build();
    }

    private static WriteRequest deleted(ConversationKey key, String sk) {
        Map<String, AttributeValue> id = Map.of(PK, AttributeValue.fromS(key.toString()), SK, AttributeValue.fromS(sk));
        return WriteRequest.builder().deleteRequest(delete -> delete.key(id)).build();
    }

    /** DynamoDB leaves what a partition cannot take at the moment, and its client does not try that again. */
    private void writeAll(List<WriteRequest> some) {
        List<WriteRequest> left = some;
        for (int attempt = 1; !left.isEmpty(); attempt++) {
            if (attempt > MOST_ATTEMPTS) {
                throw new StoreUnavailableException("DynamoDB", left.size() + " writes were not taken");
            }
            if (attempt > 1) {
                pause(attempt);
            }
            List<WriteRequest> these = left;
            left = dynamo.batchWriteItem(request -> request.requestItems(Map.of(ThreadsTable.NAME, these)))
                    .unprocessedItems()
                    .getOrDefault(ThreadsTable.NAME, List.of());
        }
    }

    /** Longer each time, at random. */
    private static void pause(int attempt) {
        try {
            Thread.sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(20L << attempt)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailableException("DynamoDB", e);
        }
    }
}
