package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.StoreUnavailableException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static io.agentserver.buffer.store.dynamo.DynamoThreadStore.COMMIT;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.PK;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.SK;

/**
 * What is left of an erased conversation's items: one for each number, without content, as long as the erasure itself; the texts
 * that they named go.
 */
final class ErasedItems {
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
        BatchWrites.writeAll(dynamo, ThreadsTable.NAME, writes);
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
}
