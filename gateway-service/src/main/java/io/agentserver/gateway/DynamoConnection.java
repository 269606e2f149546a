package io.agentserver.gateway;

import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;

/** Opens the gateway's connection to DynamoDB. */
final class DynamoConnection {
    private static final CallBounds BOUNDS = new CallBounds(64, Duration.ofSeconds(5), Duration.ofSeconds(10));

    private DynamoConnection() {}

    /** @param url see {@link DynamoClients} */
    static DynamoDbClient open(String url) {
        try {
            return DynamoClients.open(url, BOUNDS);
        } catch (SdkException | IllegalArgumentException e) {
            throw unusable(url, e);
        }
    }

    /**
     * Runs the first call.
     *
     * @throws ConfigurationException if it fails
     */
    static void check(String url, Runnable firstCall) {
        try {
            firstCall.run();
        } catch (SdkException | Unavailable e) {
            throw unusable(url, e);
        }
    }

    private static ConfigurationException unusable(String url, Exception e) {
        return new ConfigurationException(
                Setting.AGENTSERVER_DYNAMODB_URL + "=" + url
                        + " does not answer: start DynamoDB there, or correct the URL, region and credentials",
                e);
    }
}
