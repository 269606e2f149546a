package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutionException;

/** Four routers, with a gateway for their tenants and billing for their credit, a process each, on real stores. */
final class FourRouters implements AutoCloseable {
    static final int ROUTERS = 4;
    /** From the end of a call's time limit on, here. */
    static final Duration GRACE = Duration.ofSeconds(5);

    private static final String ROUTER = "llm-router-service";
    /** For six processes to start on a machine that is busy with others. */
    private static final Duration FOR_STARTING = Duration.ofMinutes(6);

    private final Path home;
    private final LocalStores stores = LocalStores.inTemporaryDirectory();
    private final DevHome secrets;
    private final Map<String, String> settings;
    private final List<Map<String, String>> routerSettings = new ArrayList<>();
    private final List<Child> routers = new ArrayList<>();
    private final List<Child> others = new ArrayList<>();
    private final RedisClient redisClient;
    private final StatefulRedisConnection<String, String> redis;
    private final HttpClient http;

    private FourRouters(Path home, String routes, HttpClient http) throws IOException {
        this.home = home;
        this.http = http;
        secrets = DevHome.open(home.resolve("secrets"));
        settings = FiveProcesses.settings(secrets, stores);
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                Files.writeString(home.resolve("routes.yaml"), routes).toString());
        settings.put("agentserver.llm-router.hold-grace", GRACE.toSeconds() + "s");
        settings.put("agentserver.llm-router.sweep-every", "1s");
        redisClient = RedisClient.create(stores.redisUrl());
        redis = redisClient.connect();
        others.add(Child.start("gateway-service", home.resolve("gateway.log"), settings));
        others.add(Child.start("billing-service", home.resolve("billing.log"), settings));
        for (int i = 0; i < ROUTERS; i++) {
            int[] ports = FreePorts.take(2);
            Map<String, String> own = new HashMap<>(settings);
            own.put("AGENTSERVER_LLM_PORT", String.valueOf(ports[0]));
            own.put("AGENTSERVER_LLM_MANAGEMENT_PORT", String.valueOf(ports[1]));
            routerSettings.add(own);
        }
    }

    /** Without the routers: {@link #startRouters}. */
    static FourRouters start(Path home, String routes, HttpClient http) throws IOException {
        return new FourRouters(home, routes, http);
    }

    /** @return its API key */
    String makeTenant(String id, String plan) {
        String gateway = "http://127.0.0.1:" + settings.get("AGENTSERVER_GATEWAY_PORT");
        HttpResponse<String> created = Awaitility.await("the gateway makes a tenant")
                .atMost(FOR_STARTING)
                .pollInterval(Duration.ofMillis(500))
                .ignoreExceptionsInstanceOf(IOException.class)
                .until(
                        () -> sendWhileAlive(
                                others.getFirst(),
                                HttpRequest.newBuilder(URI.create(gateway + "/admin/v1/tenants"))
                                        .header("Authorization", "Bearer " + secrets.adminKey())
                                        .header("Content-Type", "application/json")
                                        .POST(HttpRequest.BodyPublishers.ofString(
                                                "{\"id\":\"" + id + "\",\"name\":\"Org\",\"plan\":\"" + plan + "\"}"))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString()),
                        response -> response.statusCode() == 201);
        return json(created.body()).path("api_key").asString();
    }

    /** @param llmLimits as the operator gives them, as JSON */
    void limit(String tenant, String llmLimits) throws IOException, InterruptedException {
        String gateway = "http://127.0.0.1:" + settings.get("AGENTSERVER_GATEWAY_PORT");
        HttpResponse<String> changed = http.send(
                HttpRequest.newBuilder(URI.create(gateway + "/admin/v1/tenants/" + tenant))
                        .header("Authorization", "Bearer " + secrets.adminKey())
                        .header("Content-Type", "application/json")
                        .method("PATCH", HttpRequest.BodyPublishers.ofString("{\"llm_limits\":" + llmLimits + "}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (changed.statusCode() != 200) {
            throw new AssertionError("the limits of " + tenant + ": " + changed.statusCode() + " " + changed.body());
        }
    }

    /** Of all routers together, what a line of their metrics that begins so says. */
    long counted(String sample) throws IOException, InterruptedException {
        long sum = 0;
        for (Map<String, String> own : routerSettings) {
            URI page = URI.create(
                    "http://127.0.0.1:" + own.get("AGENTSERVER_LLM_MANAGEMENT_PORT") + "/actuator/prometheus");
            sum += http.send(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString())
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(sample + " "))
                    .mapToLong(line -> (long) Double.parseDouble(line.substring(sample.length() + 1)))
                    .sum();
        }
        return sum;
    }

    /** Nothing is posted, and no credit is opened, until it {@link #resumeBilling goes on}. */
    void pauseBilling() throws IOException, InterruptedException {
        others.getLast().signal("STOP");
    }

    void resumeBilling() throws IOException, InterruptedException {
        others.getLast().signal("CONT");
    }

    /** After the others, which a tenant needs: six at once would start slower. */
    void startRouters(String key) {
        for (int i = 0; i < ROUTERS; i++) {
            routers.add(startRouter(i));
        }
        awaitRouters(key);
    }

    /** Until each of them answers this key's call. */
    void awaitRouters(String key) {
        for (int i = 0; i < ROUTERS; i++) {
            Child router = routers.get(i);
            HttpRequest request = HttpRequest.newBuilder(url(i, "/v1/models"))
                    .header("Authorization", "Bearer " + key)
                    .build();
            Awaitility.await("router " + i)
                    .atMost(FOR_STARTING)
                    .pollInterval(Duration.ofMillis(250))
                    .ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> sendWhileAlive(router, request, HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200);
        }
    }

    URI url(int router, String path) {
        return URI.create("http://127.0.0.1:" + routerSettings.get(router).get("AGENTSERVER_LLM_PORT") + path);
    }

    /** SIGKILL. */
    void kill(int router) {
        routers.get(router).kill();
    }

    void restart(int router) {
        routers.set(router, startRouter(router));
    }

    RedisCommands<String, String> redis() {
        return redis.sync();
    }

    Map<String, String> creditState(String tenant) {
        return redis().hgetall("credit:{" + tenant + "}:state");
    }

    /** The first record of each receipt, which is the one that counts. */
    Map<UUID, UsageRecord> usage() throws InterruptedException, ExecutionException {
        Map<UUID, UsageRecord> first = new LinkedHashMap<>();
        Map<TopicPartition, Long> ends = usageEnds();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", stores.kafkaBootstrap(), "enable.auto.commit", false),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            consumer.assign(ends.keySet());
            consumer.seekToBeginning(ends.keySet());
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    UsageRecord read = UsageRecord.ofJson(record.value());
                    first.putIfAbsent(read.receipt(), read);
                });
            }
        }
        return first;
    }

    Map<TopicPartition, Long> usageEnds() throws InterruptedException, ExecutionException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", stores.kafkaBootstrap()))) {
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            Objects.requireNonNull(admin.describeTopics(List.of(Topics.USAGE))
                            .allTopicNames()
                            .get()
                            .get(Topics.USAGE))
                    .partitions()
                    .forEach(p -> latest.put(new TopicPartition(Topics.USAGE, p.partition()), OffsetSpec.latest()));
            Map<TopicPartition, Long> ends = new HashMap<>();
            admin.listOffsets(latest).all().get().forEach((partition, end) -> ends.put(partition, end.offset()));
            return ends;
        }
    }

    /** How far billing has posted it. */
    Map<TopicPartition, Long> committed() throws InterruptedException, ExecutionException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", stores.kafkaBootstrap()))) {
            Map<TopicPartition, Long> committed = new HashMap<>();
            admin.listConsumerGroupOffsets("billing")
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .forEach((partition, offset) -> {
                        if (Objects.nonNull(offset)) { // null where nothing was committed
                            committed.put(partition, offset.offset());
                        }
                    });
            return committed;
        }
    }

    @Override
    public void close() {
        routers.forEach(Child::kill);
        others.forEach(Child::kill);
        redis.close();
        redisClient.shutdown();
        stores.close();
    }

    static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    private <T> HttpResponse<T> sendWhileAlive(Child service, HttpRequest request, HttpResponse.BodyHandler<T> body)
            throws IOException, InterruptedException {
        if (!service.isAlive()) {
            throw new AssertionError("a service ended: " + service.tail());
        }
        return http.send(request, body);
    }

    private Child startRouter(int router) {
        return Child.start(ROUTER, home.resolve("router-" + router + ".log"), routerSettings.get(router));
    }
}
