package io.agentserver.buffer.store.dynamo;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;

import java.net.URI;
import java.time.Duration;

/** How the buffer talks to DynamoDB: blocking, with bounded time, many calls at once. */
public final class DynamoConnection {
    private static final int MOST_CONNECTIONS = 256;
    private static final Duration ATTEMPT_LIMIT = Duration.ofSeconds(2);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(6);

    private DynamoConnection() {}

    /**
     * @param endpoint empty: the AWS region's own, with the machine's region and credentials; else a DynamoDB Local or
     *     the like, which takes any credentials, so that none need be configured
     * @throws IllegalArgumentException if {@code endpoint} is no address
     */
    public static DynamoDbClient open(String endpoint) {
        DynamoDbClientBuilder client = DynamoDbClient.builder()
                .httpClientBuilder(Apache5HttpClient.builder()
                        .maxConnections(MOST_CONNECTIONS)
                        .connectionTimeout(ATTEMPT_LIMIT)
                        .connectionAcquisitionTimeout(CALL_LIMIT)
                        .socketTimeout(ATTEMPT_LIMIT))
                .overrideConfiguration(ClientOverrideConfiguration.builder()
                        .retryStrategy(RetryMode.STANDARD)
                        .apiCallAttemptTimeout(ATTEMPT_LIMIT)
                        .apiCallTimeout(CALL_LIMIT)
                        .build());
        if (!endpoint.isBlank()) {
            client.endpointOverride(URI.create(endpoint))
                    .region(Region.US_EAST_1)
                    .credentialsProvider(
                            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
        }
        return client.build();
    }
}
