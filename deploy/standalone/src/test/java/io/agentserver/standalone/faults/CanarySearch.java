package io.agentserver.standalone.faults;

import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * Looks for each tenant's word in what is another's: in what the gateway answers, on the topics, in Redis' keys and what is
 * under them, in the names and labels of metrics.
 */
final class CanarySearch {
    private static final String ANSWERS = "answers";
    private static final String TOPICS = "topics";
    private static final String REDIS = "Redis";
    private static final String METRICS = "metrics";
    private static final int ANSWERS_OF_EACH = 20;

    private final Fleet fleet;
    private final List<Org> orgs;
    private final HttpClient http;
    private final CanaryChecker checker;

    private record Asked(Org asking, String conversation, CompletableFuture<HttpResponse<String>> answer) {}

    CanarySearch(Fleet fleet, List<Org> orgs, HttpClient http) {
        this.fleet = fleet;
        this.orgs = List.copyOf(orgs);
        this.http = http;
        this.checker = new CanaryChecker(orgs);
    }

    /**
     * @param conversations of each tenant, some of which the gateway is asked for
     * @return what is wrong
     */
    List<String> search(Map<Org, List<String>> conversations) throws IOException, InterruptedException {
        List<Asked> asked =
                ask(conversations); // for what is another's the gateway waits before it says that there is none
        topics();
        redis();
        for (ServiceProcess service : fleet.running()) {
            service.metrics(http)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .forEach(line -> checker.look(METRICS, service.name() + ": " + line, checker.ownerOf(line), line));
        }
        for (Asked each : asked) {
            String answer = each.answer().join().body();
            checker.look(
                    ANSWERS,
                    "of " + each.conversation() + " to " + each.asking().tenant(),
                    each.asking().tenant(),
                    answer);
        }
        List.of(ANSWERS, TOPICS, REDIS).forEach(checker::mustHaveSeen);
        return checker.faults();
    }

    /** Each for its own conversations and for another's: what a tenant is told is its own to read. */
    private List<Asked> ask(Map<Org, List<String>> conversations) {
        List<Asked> asked = new ArrayList<>();
        for (List<String> of : conversations.values()) {
            for (String conversation : of.subList(0, Math.min(ANSWERS_OF_EACH, of.size()))) {
                for (Org asking : orgs) {
                    HttpRequest request = HttpRequest.newBuilder(URI.create(
                                    fleet.gatewayUrls().getLast() + "/v1/threads/" + conversation + "/messages"))
                            .header("Authorization", "Bearer " + asking.key())
                            .timeout(Duration.ofSeconds(30))
                            .build();
                    asked.add(new Asked(
                            asking, conversation, http.sendAsync(request, HttpResponse.BodyHandlers.ofString())));
                }
            }
        }
        return asked;
    }

    private void topics() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", fleet.kafkaBootstrap());
        settings.put("key.deserializer", StringDeserializer.class);
        settings.put("value.deserializer", StringDeserializer.class);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.listTopics().entrySet().stream()
                    .filter(topic -> !topic.getKey().startsWith("__"))
                    .flatMap(topic -> topic.getValue().stream())
                    .map(p -> new TopicPartition(p.topic(), p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(500)).forEach(this::look);
            }
        }
    }

    private void look(ConsumerRecord<String, String> record) {
        String place = record.topic() + " " + record.partition() + "/" + record.offset();
        StringBuilder content =
                new StringBuilder().append(record.key()).append('\n').append(record.value());
        for (Header header : record.headers()) {
            content.append('\n').append(new String(header.value(), StandardCharsets.UTF_8));
        }
        // the topics of all are keyed by whose a record is
        String owned = Topics.tenantOf(record.topic()).isPresent() ? record.topic() : record.key();
        if (record.topic().equals(Topics.USAGE)) {
            owned = UsageRecord.ofJson(record.value().getBytes(StandardCharsets.UTF_8))
                    .tenant();
        }
        checker.look(TOPICS, place, checker.ownerOf(owned), content.toString());
    }

    private void redis() {
        RedisClient client = RedisClient.create(fleet.redisUrl());
        try (StatefulRedisConnection<String, String> connection = client.connect(StringCodec.UTF8)) {
            RedisCommands<String, String> commands = connection.sync();
            KeyScanCursor<String> page = commands.scan();
            while (true) {
                page.getKeys()
                        .forEach(key ->
                                checker.look(REDIS, key, checker.ownerOf(key), key + "\n" + content(commands, key)));
                if (page.isFinished()) {
                    return;
                }
                page = commands.scan(ScanCursor.of(page.getCursor()));
            }
        } finally {
            client.shutdown();
        }
    }

    private static String content(RedisCommands<String, String> commands, String key) {
        return switch (commands.type(key)) {
            case "string" -> String.valueOf(commands.get(key));
            case "list" -> commands.lrange(key, 0, -1).toString();
            case "hash" -> commands.hgetall(key).toString();
            case "set" -> commands.smembers(key).toString();
            case "zset" -> commands.zrange(key, 0, -1).stream().collect(Collectors.joining("\n"));
            default -> "";
        };
    }
}
