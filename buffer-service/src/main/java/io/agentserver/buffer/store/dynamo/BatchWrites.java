package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.StoreUnavailableException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Writes and deletes many items, some at a time, in no order and not all or none. DynamoDB leaves what a partition cannot take at the
 * moment, and its client does not try that again: it is tried again here, each time after a longer pause.
 */
final class BatchWrites {
    /** That DynamoDB takes in one request. */
    private static final int MOST_WRITES = 25;

    private static final int MOST_ATTEMPTS = 6;

    private BatchWrites() {}

    /**
     * Blocks until all are taken.
     *
     * @throws StoreUnavailableException if DynamoDB does not take all of them in some attempts; those that it took stay
     * @throws software.amazon.awssdk.core.exception.SdkException if it does not answer
     */
    static void writeAll(DynamoDbClient dynamo, String table, List<WriteRequest> writes) {
        for (int from = 0; from < writes.size(); from += MOST_WRITES) {
            writeSome(dynamo, table, writes.subList(from, Math.min(from + MOST_WRITES, writes.size())));
        }
    }

    private static void writeSome(DynamoDbClient dynamo, String table, List<WriteRequest> some) {
        List<WriteRequest> left = some;
        for (int attempt = 1; !left.isEmpty(); attempt++) {
            if (attempt > MOST_ATTEMPTS) {
                throw new StoreUnavailableException("DynamoDB", left.size() + " writes were not taken");
            }
            if (attempt > 1) {
                pause(attempt);
            }
            List<WriteRequest> these = left;
            left = dynamo.batchWriteItem(request -> request.requestItems(Map.of(table, these)))
                    .unprocessedItems()
                    .getOrDefault(table, List.of());
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
