package io.agentserver.billing.ledger.dynamo;

import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;

/** How billing talks to DynamoDB: in long attempts, for a posting is a transaction of many items. */
public final class DynamoConnection {
    private static final CallBounds BOUNDS = new CallBounds(50, Duration.ofSeconds(10), Duration.ofSeconds(10));

    private DynamoConnection() {}

    /** @param url see {@link DynamoClients} */
    public static DynamoDbClient to(String url) {
        return DynamoClients.open(url, BOUNDS);
    }
}
