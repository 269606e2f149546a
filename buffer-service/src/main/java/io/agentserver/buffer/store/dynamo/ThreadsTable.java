package io.agentserver.buffer.store.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.GlobalSecondaryIndex;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TimeToLiveStatus;

import java.time.Duration;

/** The table {@code threads}: its keys, its index, its expiry. */
final class ThreadsTable {
    static final String NAME = "threads";
    static final String BY_SHARD = "by_shard";
    static final String PK = "pk";
    static final String SK = "sk";
    static final String SHARD = "tenant_shard";
    static final String ACTIVITY = "last_activity";
    static final String EXPIRES = "expires_at";
    static final String LAST_NUMBER = "last_number";
    static final String LAST_SEQUENCE = "last_sequence";

    private static final Duration CREATION_LIMIT = Duration.ofMinutes(1);

    private ThreadsTable() {}

    /** Creates it if it is not there. Two processes may do so at once. */
    static void createIfAbsent(DynamoDbClient dynamo) {
        try {
            dynamo.describeTable(request -> request.tableName(NAME));
        } catch (ResourceNotFoundException absent) {
            create(dynamo);
        }
        awaitAndExpire(dynamo, NAME);
    }

    static void awaitAndExpire(DynamoDbClient dynamo, String table) {
        dynamo.waiter()
                .waitUntilTableExists(request -> request.tableName(table), wait -> wait.waitTimeout(CREATION_LIMIT));
        expire(dynamo, table);
    }

    private static void create(DynamoDbClient dynamo) {
        try {
            dynamo.createTable(request -> request.tableName(NAME)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(
                            attribute(PK, ScalarAttributeType.S),
                            attribute(SK, ScalarAttributeType.S),
                            attribute(SHARD, ScalarAttributeType.S),
                            attribute(ACTIVITY, ScalarAttributeType.N))
                    .keySchema(key(PK, KeyType.HASH), key(SK, KeyType.RANGE))
                    .globalSecondaryIndexes(GlobalSecondaryIndex.builder()
                            .indexName(BY_SHARD)
                            .keySchema(key(SHARD, KeyType.HASH), key(ACTIVITY, KeyType.RANGE))
                            .projection(projection -> projection.projectionType(ProjectionType.KEYS_ONLY))
                            .build()));
        } catch (ResourceInUseException anotherProcessWasFirst) {
            // what it makes is the same
        }
    }

    private static void expire(DynamoDbClient dynamo, String table) {
        if (expires(dynamo, table)) {
            return;
        }
        try {
            dynamo.updateTimeToLive(request -> request.tableName(table)
                    .timeToLiveSpecification(ttl -> ttl.enabled(true).attributeName(EXPIRES)));
        } catch (DynamoDbException e) {
            if (!expires(dynamo, table)) { // else another process was between our two calls
                throw e;
            }
        }
    }

    private static boolean expires(DynamoDbClient dynamo, String table) {
        return dynamo.describeTimeToLive(request -> request.tableName(table))
                        .timeToLiveDescription()
                        .timeToLiveStatus()
                != TimeToLiveStatus.DISABLED;
    }

    static AttributeDefinition attribute(String name, ScalarAttributeType type) {
        return AttributeDefinition.builder()
                .attributeName(name)
                .attributeType(type)
                .build();
    }

    static KeySchemaElement key(String name, KeyType type) {
        return KeySchemaElement.builder().attributeName(name).keyType(type).build();
    }
}
