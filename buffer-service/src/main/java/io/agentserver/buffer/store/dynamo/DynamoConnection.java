package io.agentserver.buffer.store.dynamo;

import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;

/** How the buffer talks to DynamoDB: in short attempts, for a step waits for them, and many at once. */
public final class DynamoConnection {
    private static final CallBounds BOUNDS = new CallBounds(256, Duration.ofSeconds(2), Duration.ofSeconds(6));

    private DynamoConnection() {}

    /**
     * @param url see {@link DynamoClients}
     * @throws IllegalArgumentException if {@code url} is no address
     */
    public static DynamoDbClient open(String url) {
        return DynamoClients.open(url, BOUNDS);
    }
}
