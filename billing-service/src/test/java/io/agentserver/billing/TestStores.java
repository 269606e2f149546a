package io.agentserver.billing;

import io.agentserver.localstores.LocalStores;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/** A real Kafka, a real Redis and a real DynamoDB Local, started once for all tests of this module. */
public final class TestStores {
    private static final LocalStores STORES = LocalStores.inTemporaryDirectory(LocalStores.ALL_ON_FREE_PORTS);

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(STORES::close));
    }

    private TestStores() {}

    public static String kafka() {
        return STORES.kafkaBootstrap();
    }

    public static String redisUrl() {
        return STORES.redisUrl();
    }

    public static String dynamoUrl() {
        return STORES.dynamoEndpoint().toString();
    }

    public static DynamoDbClient dynamo() {
        return DynamoDbClient.builder()
                .endpointOverride(STORES.dynamoEndpoint())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
    }
}
