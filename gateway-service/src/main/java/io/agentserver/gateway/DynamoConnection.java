package io.agentserver.gateway;

import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;

import java.net.URI;
import java.time.Duration;

/** Opens the gateway's connection to DynamoDB. */
final class DynamoConnection {
    private DynamoConnection() {}

    /** @param url empty: the AWS region's own, with the credentials that the AWS SDK finds; else a local one, which asks for none */
    static DynamoDbClient open(String url) {
        DynamoDbClientBuilder builder = DynamoDbClient.builder()
                // named, because several on one class path would be an error
                .httpClientBuilder(Apache5HttpClient.builder()
                        .maxConnections(64)
                        .connectionTimeout(Duration.ofSeconds(2))
                        .socketTimeout(Duration.ofSeconds(5)))
                .overrideConfiguration(c -> c.apiCallTimeout(Duration.ofSeconds(10)));
        if (!url.isEmpty()) {
            builder.endpointOverride(URI.create(url))
                    .region(Region.US_EAST_1)
                    .credentialsProvider(
                            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
        }
        try {
            return builder.build();
        } catch (SdkException e) {
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
