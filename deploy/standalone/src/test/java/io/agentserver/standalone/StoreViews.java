package io.agentserver.standalone;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.TableDescription;
import software.amazon.awssdk.services.dynamodb.model.TimeToLiveDescription;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Looks into the stores with their own clients, past the platform. */
final class StoreViews implements AutoCloseable {
    private final Platform platform;
    private final RedisClient redis;
    private final DynamoDbClient dynamo;

    StoreViews(Platform platform) {
        this.platform = platform;
        this.redis = RedisClient.create(platform.variable("AGENTSERVER_REDIS_URL"));
        this.dynamo = DynamoDbClient.builder()
                .endpointOverride(URI.create(platform.variable("AGENTSERVER_DYNAMODB_URL")))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
    }

    /** How many records of the topic have this text. */
    long recordsOf(String topic, String text) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", platform.variable("AGENTSERVER_KAFKA"));
        settings.put("key.deserializer", StringDeserializer.class);
        settings.put("value.deserializer", StringDeserializer.class);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(p -> new TopicPartition(topic, p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long found = 0;
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    found += record.value().contains(text) ? 1 : 0;
                }
            }
            return found;
        }
    }

    /** All keys that match, of whatever type. */
    List<String> keys(String pattern) {
        try (StatefulRedisConnection<String, String> connection = redis.connect(StringCodec.UTF8)) {
            return connection.sync().keys(pattern);
        }
    }

    /** The values of all lists whose key matches. */
    String redis(String pattern) {
        try (StatefulRedisConnection<String, String> connection = redis.connect(StringCodec.UTF8)) {
            RedisCommands<String, String> commands = connection.sync();
            StringBuilder values = new StringBuilder();
            for (String key : commands.keys(pattern)) {
                if (commands.type(key).equals("list")) {
                    values.append(commands.lrange(key, 0, -1));
                }
            }
            return values.toString();
        }
    }

    /** All items under a partition key, as text. */
    String dynamo(String table, String partition) {
        StringBuilder values = new StringBuilder();
        dynamo.query(q -> q.tableName(table)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(partition))))
                .items()
                .forEach(item -> values.append(item).append('\n'));
        return values.toString();
    }

    /** All items of a table, as text. */
    String dynamo(String table) {
        return dynamo.scan(q -> q.tableName(table).consistentRead(true)).items().toString();
    }

    /** Every table by name: its keys, attributes, indexes and what makes items expire. */
    Map<String, Table> tables() {
        return dynamo.listTables().tableNames().stream().collect(Collectors.toMap(name -> name, this::table));
    }

    private Table table(String name) {
        TableDescription table = dynamo.describeTable(r -> r.tableName(name)).table();
        TimeToLiveDescription ttl =
                dynamo.describeTimeToLive(r -> r.tableName(name)).timeToLiveDescription();
        Map<String, String> attributes = new TreeMap<>();
        table.attributeDefinitions().forEach(a -> attributes.put(a.attributeName(), a.attributeTypeAsString()));
        Map<String, Table.Index> indexes = new TreeMap<>();
        table.globalSecondaryIndexes()
                .forEach(index -> indexes.put(
                        index.indexName(),
                        new Table.Index(
                                keys(index.keySchema()), index.projection().projectionTypeAsString())));
        return new Table(
                keys(table.keySchema()), attributes, indexes, ttl.attributeName() == null ? "" : ttl.attributeName());
    }

    private static Map<String, String> keys(List<KeySchemaElement> schema) {
        Map<String, String> keys = new TreeMap<>();
        schema.forEach(key -> keys.put(key.keyTypeAsString(), key.attributeName()));
        return keys;
    }

    /**
     * @param keys the attribute by HASH and RANGE
     * @param attributes the type of each that is a key somewhere
     * @param expires empty: nothing does
     */
    record Table(Map<String, String> keys, Map<String, String> attributes, Map<String, Index> indexes, String expires) {
        record Index(Map<String, String> keys, String projection) {}
    }

    @Override
    public void close() {
        redis.shutdown();
        dynamo.close();
    }
}
