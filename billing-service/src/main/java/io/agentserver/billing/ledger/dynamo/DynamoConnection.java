package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;

import java.net.URI;
import java.time.Duration;

/** DynamoDB, in AWS or on this machine. */
public final class DynamoConnection {
    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);

    private DynamoConnection() {}

    /** @param url empty: the AWS region's own */
    public static DynamoDbClient to(String url) {
        DynamoDbClientBuilder builder = DynamoDbClient.builder()
                .httpClientBuilder(Apache5HttpClient.builder())
                .overrideConfiguration(o -> o.apiCallTimeout(CALL_LIMIT));
        if (url.isEmpty()) {
            return builder.build();
        }
        URI endpoint = URI.create(url);
        builder.endpointOverride(endpoint);
        if ("http".equals(endpoint.getScheme())) {
            // plain HTTP is DynamoDB Local, which takes any credentials and any region
            builder.region(Region.US_EAST_1)
                    .credentialsProvider(
                            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
        }
        return builder.build();
    }
}
