package io.agentserver.service.aws;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;

import java.net.URI;

/** Opens DynamoDB, in AWS or on this machine: blocking, with bounded time, many calls at once. */
public final class DynamoClients {
    private DynamoClients() {}

    /**
     * @param url empty: the AWS region's own. With {@code http:} it is DynamoDB Local or the like, which takes any region and any
     *     credentials, so that none need be configured; otherwise both are those that the AWS SDK finds
     * @throws IllegalArgumentException if {@code url} is no address
     * @throws software.amazon.awssdk.core.exception.SdkException if no region is to be found
     */
    public static DynamoDbClient open(String url, CallBounds bounds) {
        DynamoDbClientBuilder client =
                DynamoDbClient.builder().httpClientBuilder(bounds.http()).overrideConfiguration(bounds::apply);
        if (!url.isBlank()) {
            URI endpoint = URI.create(url);
            client.endpointOverride(endpoint);
            if ("http".equals(endpoint.getScheme())) {
                client.region(Region.US_EAST_1)
                        .credentialsProvider(
                                StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
            }
        }
        return client.build();
    }
}
