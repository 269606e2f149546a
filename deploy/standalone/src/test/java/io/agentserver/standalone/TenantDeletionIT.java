package io.agentserver.standalone;

import com.sun.net.httpserver.HttpServer;
import io.agentserver.billing.console.DynamoMembers;
import io.agentserver.billing.console.Role;
import io.agentserver.buffer.backup.format.SealedSegment;
import io.agentserver.buffer.backup.s3.S3BackupBucket;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalS3;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import tools.jackson.databind.JsonNode;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * A tenant is deleted from the whole platform, as five processes over real stores, while it has messages in flight, its neighbour
 * works on and who does it is killed again and again, the gateway in each part, buffer and billing in theirs; then every byte of every
 * store's files is looked at.
 */
class TenantDeletionIT {
    private static final String GONE = "doomed";
    private static final String CANARY =
            "canary-" + UUID.randomUUID().toString().replace("-", "");
    /** A gateway that died is waited for in each store: a restarted one sees its own job as another's. */
    private static final Map<String, String> WITHOUT_LONG_WAITS =
            Map.of("JAVA_TOOL_OPTIONS", "-Dagentserver.gateway.deletion-lease=1s");

    private static final String GATEWAY = "gateway-service";
    private static final String BUFFER = "buffer-service";

    private static final Map<String, String> WAIT = Map.of("Prefer", "wait=30");

    private final HttpClient http = HttpClient.newHttpClient();
    private String keyId = "";
    /** Of its objects in the bucket, when gateway and buffer had died in that part: nobody could delete any, and none was counted yet. */
    private long thereAtDeath;

    @Test
    void nothing_of_a_deleted_tenant_is_left_in_any_file_and_its_neighbour_notices_nothing(@TempDir Path home)
            throws Exception {
        CountDownLatch letGo = new CountDownLatch(1);
        AtomicInteger inFlight = new AtomicInteger();
        HttpServer service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        service.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        service.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            inFlight.incrementAndGet();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            byte[] late = ("<Done><Text>late " + CANARY + "</Text></Done>").getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/xml");
            exchange.sendResponseHeaders(200, late.length);
            exchange.getResponseBody().write(late);
            exchange.close();
        });
        service.start();
        Path routes = Files.writeString(
                home.resolve("routes.yaml"), "routes: {default: {chain: [simulated/default], cache: 60m}}");
        Path bucket = home.resolve("s3");
        LocalS3 s3 = LocalS3.start(bucket, "backups,static");
        Map<String, String> settings = new HashMap<>(WITHOUT_LONG_WAITS);
        settings.put("AGENTSERVER_LLM_ROUTES", routes.toString());
        settings.put("AGENTSERVER_BACKUP_BUCKET", "backups");
        settings.put("AGENTSERVER_BACKUP_PERIOD", "1s");
        settings.put("AGENTSERVER_S3_URL", s3.url());
        settings.put("AGENTSERVER_STATIC_BUCKET", "static");
        settings.put("AGENTSERVER_STATIC_URL", "https://static.example.com");
        settings.put("AGENTSERVER_STATIC_KEY", pem(home).toString());
        settings.put("AGENTSERVER_STATIC_KEY_ID", "KTEST");
        FiveProcesses platform = FiveProcesses.start(home, settings);
        try {
            forgetSoon(platform);
            Client gone = newTenant(platform, GONE, "Firm " + CANARY);
            Client neighbour = newTenant(platform, "doomed-neighbour", "N");
            assertThat(gone.putOrganism(organism(service.getAddress().getPort()))
                            .statusCode())
                    .isEqualTo(200);
            eventually("its prompt, where clients fetch it").until(() -> {
                askForFiles(gone); // a bucket that was slow to take it is given it then
                return RawFiles.holding(bucket, CANARY).stream().anyMatch(file -> file.contains("static"));
            });
            assertThat(neighbour.putOrganism(mirror()).statusCode()).isEqualTo(200);
            String neighboursThread = say(neighbour, "mirror", "Face", "hello");
            byte[] organism = fill(platform, gone, inFlight);
            assertThat(kept(platform))
                    .as("what the router keeps of it")
                    .contains("credit:{doomed}:state", "credit:{doomed}:seconds", "llm-cache:{doomed}:index")
                    .contains("once:{doomed}:answers");

            Path files = platform.stores();
            eventually("each store has it in its files, where it is to be found")
                    .untilAsserted(() -> {
                        assertThat(RawFiles.holding(files.resolve("kafka"), CANARY))
                                .anyMatch(f -> f.contains("messages." + GONE))
                                .anyMatch(f -> f.contains("dead-letters." + GONE))
                                .anyMatch(f -> f.contains("tenants-0"));
                        assertThat(RawFiles.holding(files.resolve("redis"), CANARY))
                                .isNotEmpty();
                        assertThat(RawFiles.holding(files.resolve("dynamodb"), CANARY))
                                .isNotEmpty();
                    });
            assertThat(RawFiles.holding(files, keyId))
                    .as("files that know its key")
                    .isNotEmpty();
            List<byte[]> backups = new ArrayList<>();
            eventually("the backup has it").untilAsserted(() -> {
                backups.clear();
                backups.addAll(objectsHolding(s3, CANARY));
                assertThat(backups).hasSizeGreaterThanOrEqualTo(4);
            });
            assertThat(backups)
                    .allSatisfy(object ->
                            assertThat(RawFiles.holding(bucket, object)).isNotEmpty());
            assertThat(RawFiles.holding(files.resolve("dynamodb"), organism)).isNotEmpty();
            eventually("the table says when its keys were used")
                    .untilAsserted(() -> assertThat(items(platform)).contains("key-uses"));

            byte[] dataKey = putProviderKey(platform, gone, files);

            String export = export(gone);
            assertThat(export).contains(CANARY).doesNotContain(neighboursThread);
            assertThat(export(neighbour)).contains(neighboursThread).doesNotContain(CANARY);

            AtomicBoolean over = new AtomicBoolean();
            List<String> trouble = new ArrayList<>();
            AtomicInteger answered = new AtomicInteger();
            Thread traffic = Thread.ofVirtual().start(() -> {
                while (!over.get()) {
                    talk(neighbour, answered, trouble);
                }
            });

            Client operator = new Client(http, gone.url(), platform.variable("AGENTSERVER_ADMIN_KEY"));
            HttpResponse<String> told = operator.delete("/admin/v1/tenants/" + GONE);
            assertThat(told.statusCode()).as(told.body()).isEqualTo(202);
            assertThat(gone.get("/v1/threads").statusCode()).isEqualTo(401);
            String job = told.headers().firstValue("Location").orElseThrow();
            assertThat(new Client(http, platform.variable("AGENTSERVER_LLM_URL"), gone.key())
                            .post("/v1/chat/completions", "application/json", "{}", Map.of())
                            .statusCode())
                    .isEqualTo(401);

            List<Integer> refused = Collections.synchronizedList(new ArrayList<>());
            Thread stubborn = Thread.ofVirtual().start(() -> {
                while (!over.get()) {
                    insist(gone, refused);
                }
            });

            JsonNode receipt = awaitEndWithDeaths(platform, operator, job, s3);
            System.out.println(receipt);
            System.out.println(thereAtDeath + " objects of the backup were there when gateway and buffer died");
            over.set(true);
            traffic.join();
            stubborn.join();
            assertThat(refused)
                    .as("answers to its own messages: 503 while a gateway starts")
                    .contains(401)
                    .isSubsetOf(401, 503);
            assertThat(trouble)
                    .as("the neighbour's, of " + answered + " messages")
                    .isEmpty();
            assertThat(answered.get()).isPositive();

            assertThat(receipt.path("stores").values())
                    .allMatch(store -> store.path("left").asLong(-1) == 0 && store.has("checked_at"));
            assertThat(found(receipt, "log")).isEqualTo(2);
            assertThat(store(receipt, "log")
                            .path("counts")
                            .path("turns_dropped")
                            .asLong())
                    .as("the alarm's, and the worker's")
                    .isEqualTo(2);
            assertThat(found(receipt, "conversations")).isGreaterThanOrEqualTo(4);
            // its entry; a version of its organism, and its date; when its keys were used
            assertThat(found(receipt, "directory")).isGreaterThanOrEqualTo(4);
            assertThat(items(platform)).containsExactlyInAnyOrder("deletion", "entry");
            assertThat(found(receipt, "keys")).isEqualTo(1);
            assertThat(items(platform, "tenant-keys")).containsExactly("destroyed");
            assertThat(found(receipt, "billing")).isPositive();
            assertThat(found(receipt, "redis")).isPositive();
            // what was in flight, and comes to its end only now
            letGo.countDown();
            assertThat(operator.post(
                                    "/admin/v1/tenants",
                                    "application/json",
                                    "{\"id\":\"" + GONE + "\",\"name\":\"again\"}",
                                    Map.of())
                            .statusCode())
                    .as("its id is never free again")
                    .isEqualTo(409);
            assertThat(neighbour.get("/v1/threads/" + neighboursThread).body()).contains("idle");
            try (StoreViews stores = new StoreViews(platform)) {
                assertThat(stores.keys("*" + GONE + "[^-]*")).isEmpty();
                assertThat(stores.keys("*" + GONE)).isEmpty();
            }
            assertThat(platform.reconcile().output()).endsWith("difference: 0");
            assertThat(found(receipt, "backups"))
                    .as("objects of the backup that were there")
                    .isGreaterThanOrEqualTo(thereAtDeath);
            // of each listener that has one a schema, and a prompt
            assertThat(found(receipt, "static-files")).isGreaterThanOrEqualTo(4);
            assertThat(RawFiles.holding(bucket, "tenants/" + GONE + "/")).isEmpty();
            assertThat(RawFiles.holding(bucket, "tenants/doomed-neighbour/conversations/" + neighboursThread))
                    .isNotEmpty();
            assertThat(platform.backup("restore", "--all").output()).doesNotContain(GONE + "#");
            assertThat(platform.backup("drill").output().lines()).contains("equal");
            platform.close();
            s3.close();
            // SQLite, which DynamoDB Local is made of, keeps deleted bytes until its next start
            LocalDynamo.start(files.resolve("dynamodb"), 0).close();

            assertThat(RawFiles.holding(home, CANARY)).as("files that hold it").isEmpty();
            assertThat(RawFiles.holding(home, dataKey))
                    .as("files that hold its data key, wrapped")
                    .isEmpty();
            assertThat(backups)
                    .allSatisfy(object -> assertThat(RawFiles.holding(home, object))
                            .as("a backup is compressed: its bytes")
                            .isEmpty());
            assertThat(RawFiles.holding(files, keyId))
                    .as("files that know its key")
                    .isEmpty();
            assertThat(RawFiles.holding(files, organism))
                    .as("files that hold its document")
                    .isEmpty();
        } finally {
            letGo.countDown();
            platform.close();
            s3.close();
            service.stop(0);
        }
    }

    /** Those of the doomed tenant's backups in which it is found, as the bucket has them. */
    private static List<byte[]> objectsHolding(LocalS3 s3, String text) {
        List<byte[]> found = new ArrayList<>();
        try (S3BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            bucket.each("tenants/" + GONE + "/conversations/", object -> {
                byte[] bytes = bucket.get(object.key()).orElseThrow();
                try (GZIPInputStream content = new GZIPInputStream(
                        SealedSegment.parseFrom(bytes).getContent().newInput())) {
                    if (new String(content.readAllBytes(), StandardCharsets.UTF_8).contains(text)) {
                        found.add(bytes);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return true;
            });
        }
        return found;
    }

    /** Kills whoever works in each store's part of the job, as it is seen to have begun: one after the other, the gateway first. */
    private JsonNode awaitEndWithDeaths(FiveProcesses platform, Client operator, String job, LocalS3 s3) {
        Set<String> died = new TreeSet<>();
        long deadline = System.nanoTime() + Duration.ofMinutes(12).toNanos();
        while (System.nanoTime() < deadline) {
            JsonNode state = Client.json(operator.get(job));
            if (state.path("state").asString("").equals("done")) {
                Set<String> expected = new TreeSet<>();
                state.path("stores").values().forEach(store -> {
                    String name = store.path("store").asString("");
                    deaths(name).forEach(who -> expected.add(death(name, who)));
                });
                assertThat(died).as("who died, and in which part").isEqualTo(expected);
                return state;
            }
            for (JsonNode store : state.path("stores").values()) {
                String name = store.path("store").asString("");
                if (store.path("state").asString("").equals("running")) {
                    deaths(name).stream()
                            .filter(who -> !died.contains(death(name, who)))
                            .findFirst()
                            .ifPresent(who -> {
                                died.add(death(name, who));
                                platform.restart(who, () -> {
                                    if (name.equals("backups")) {
                                        thereAtDeath = objects(s3);
                                    }
                                });
                            });
                }
            }
        }
        throw new AssertionError("the job does not end: " + operator.get(job).body());
    }

    /** The deaths of a store's part, in their order; who is of one dies at once. */
    private static List<List<String>> deaths(String store) {
        return switch (store) {
            case "conversations" -> List.of(List.of(GATEWAY), List.of(BUFFER));
            // what is in the bucket then is what its part will find
            case "backups" -> List.of(List.of(GATEWAY, BUFFER));
            case "billing" -> List.of(List.of(GATEWAY), List.of("billing-service"));
            default -> List.of(List.of(GATEWAY));
        };
    }

    private static String death(String store, List<String> who) {
        return store + " " + String.join(" ", who);
    }

    /** How many objects the bucket of backups has of it. */
    private static long objects(LocalS3 s3) {
        AtomicInteger objects = new AtomicInteger();
        try (S3BackupBucket bucket = S3BackupBucket.open(s3.url(), "", "backups")) {
            bucket.each("tenants/" + GONE + "/", _ -> objects.incrementAndGet() > 0);
        }
        return objects.get();
    }

    /** Five processes and four stores share a processor with whatever else is tested. */
    private static ConditionFactory eventually(String what) {
        return await(what).atMost(Duration.ofMinutes(1));
    }

    private static void askForFiles(Client client) {
        Client.json(client.get("/v1/listeners")).path("data").values().forEach(listener -> {
            String path = listener.path("prompt_path").asString("");
            if (!path.isEmpty()) {
                client.get(path);
            }
        });
    }

    /** What signs the addresses of static files, which nobody fetches here. */
    private static Path pem(Path home) throws Exception {
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        String base64 = Base64.getMimeEncoder()
                .encodeToString(rsa.generateKeyPair().getPrivate().getEncoded());
        return Files.writeString(
                home.resolve("static.pem"), "-----BEGIN PRIVATE KEY-----\n" + base64 + "\n-----END PRIVATE KEY-----\n");
    }

    /** The neighbour tries again what a dead gateway did not answer, as any client would. */
    private static void talk(Client neighbour, AtomicInteger answered, List<String> trouble) {
        String key = UUID.randomUUID().toString();
        for (int i = 0; i < 600; i++) {
            try {
                HttpResponse<String> answer = neighbour.post(
                        "/v1/messages",
                        "application/json",
                        "{\"to\":\"mirror\",\"payload\":{\"Face\":{\"Text\":\"x\"}}}",
                        Map.of("Prefer", "wait=30", "Idempotency-Key", key));
                if (answer.statusCode() == 200) {
                    answered.incrementAndGet();
                    return;
                }
                if (answer.statusCode() != 503 && answer.statusCode() != 202) {
                    trouble.add(answer.statusCode() + " " + answer.body());
                    return;
                }
            } catch (RuntimeException away) {
                // the gateway is being killed
            }
            java.util.concurrent.locks.LockSupport.parkNanos(
                    Duration.ofMillis(200).toNanos());
        }
        trouble.add("no answer");
    }

    /** What it sends when it has been told to go. */
    private static void insist(Client gone, List<Integer> answers) {
        try {
            answers.add(gone.post(
                            "/v1/messages",
                            "application/json",
                            "{\"to\":\"mirror\",\"payload\":{\"Face\":{\"Text\":\"" + CANARY + "\"}}}",
                            Map.of())
                    .statusCode());
        } catch (RuntimeException away) {
            // the gateway is being killed
        }
        java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }

    /** The messages of its archive, in NDJSON and XML. */
    private String export(Client client) throws Exception {
        HttpResponse<byte[]> answer = http.send(
                HttpRequest.newBuilder(URI.create(client.url() + "/v1/export"))
                        .header("Authorization", "Bearer " + client.key())
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).isEqualTo(200);
        Map<String, String> files = new HashMap<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(answer.body()))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                files.put(entry.getName(), new String(zip.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        assertThat(files).containsKey("manifest.json");
        return requireNonNull(files.get("messages.ndjson")) + requireNonNull(files.get("messages.xml"));
    }

    /** An own key of a provider, which no file shows. @return the data key that it is sealed with, as its table has it: wrapped */
    private static byte[] putProviderKey(FiveProcesses platform, Client gone, Path files) {
        String own = "sk-" + UUID.randomUUID() + "-own";
        HttpResponse<String> put = gone.put("/v1/provider-keys/openai", "{\"key\":\"" + own + "\"}");
        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
        assertThat(gone.get("/v1/provider-keys").body())
                .contains("\"ends_with\":\"-own\"")
                .doesNotContain(own);
        byte[] wrapped;
        try (DynamoDbClient dynamo = dynamo(platform)) {
            wrapped = ofTable(dynamo, "tenant-keys")
                    .map(item -> requireNonNull(item.get("wrapped")).b().asByteArray())
                    .findFirst()
                    .orElseThrow();
        }
        await("the table's file has it")
                .untilAsserted(() -> assertThat(RawFiles.holding(files.resolve("dynamodb"), wrapped))
                        .isNotEmpty());
        assertThat(RawFiles.holding(files, own)).as("files that show it").isEmpty();
        return wrapped;
    }

    /** The sort keys of what the table {@code tenants} has of it. */
    private static List<String> items(FiveProcesses platform) {
        return items(platform, "tenants");
    }

    private static List<String> items(FiveProcesses platform, String table) {
        try (DynamoDbClient dynamo = dynamo(platform)) {
            return ofTable(dynamo, table)
                    .map(item -> requireNonNull(item.get("sk")).s())
                    .toList();
        }
    }

    private static Stream<Map<String, AttributeValue>> ofTable(DynamoDbClient dynamo, String table) {
        return dynamo
                .query(b -> b.tableName(table)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(GONE))))
                .items()
                .stream();
    }

    /** @return the organism as the table has it: compressed, so that its words are not found */
    private byte[] fill(FiveProcesses platform, Client gone, AtomicInteger inFlight) throws Exception {
        HttpResponse<String> key = gone.post(
                "/v1/keys",
                "application/json",
                "{\"name\":\"key " + CANARY + "\",\"scopes\":[\"messages:write\"]}",
                Map.of());
        assertThat(key.statusCode()).as(key.body()).isEqualTo(201);
        keyId = Client.json(key).path("id").asString("");
        HttpResponse<String> limited = new Client(http, gone.url(), platform.variable("AGENTSERVER_ADMIN_KEY"))
                .patch("/admin/v1/tenants/" + GONE, "{\"llm_limits\":{\"requests_per_minute\":100}}");
        assertThat(limited.statusCode()).as(limited.body()).isEqualTo(200);
        Client router = new Client(http, platform.variable("AGENTSERVER_LLM_URL"), gone.key());
        eventually("the router knows its limits")
                .until(() -> router.post(
                                "/v1/chat/completions",
                                "application/json",
                                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"" + CANARY
                                        + "\"}]}",
                                Map.of())
                        .headers()
                        .firstValue("x-ratelimit-limit-requests")
                        .isPresent());
        say(
                gone,
                "greeter",
                "Greeting",
                CANARY); // through the router, which keeps its answer, for the key and in the cache
        eventually("it keeps it").until(() -> kept(platform).contains("llm-cache:{doomed}:index"));
        say(gone, "mirror", "Face", CANARY);
        send(gone, "alarm", "{\"Alarm\":{\"After\":\"2h\",\"Text\":\"" + CANARY + "\"}}");
        send(gone, "worker", "{\"Work\":{\"Text\":\"" + CANARY + "\"}}");
        eventually("the worker works").until(() -> inFlight.get() > 0);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", platform.variable("AGENTSERVER_KAFKA"), "compression.type", "lz4"),
                new StringSerializer(),
                new StringSerializer())) {
            // nobody admitted it: a dead letter
            producer.send(new ProducerRecord<>(
                            "messages." + GONE, UUID.randomUUID().toString(), "<forged>" + CANARY + "</forged>"))
                    .get();
        }
        try (DynamoDbClient dynamo = dynamo(platform)) {
            new DynamoMembers(dynamo, Clock.systemUTC())
                    .add(new TenantId(GONE), CANARY + "@example.com", Role.OWNER, CANARY + "@example.com");
            return requireNonNull(dynamo.getItem(b -> b.tableName("tenants")
                                    .key(Map.of(
                                            "pk", AttributeValue.fromS(GONE),
                                            "sk", AttributeValue.fromS("organism#0000000001"))))
                            .item()
                            .get("gz"))
                    .b()
                    .asByteArray();
        }
    }

    private static List<String> kept(FiveProcesses platform) throws Exception {
        try (StoreViews stores = new StoreViews(platform)) {
            return List.copyOf(stores.keys("*{" + GONE + "}*"));
        }
    }

    /** A compacted topic forgets within ten minutes; a test has no patience for that. */
    private static void forgetSoon(FiveProcesses platform) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "tenants");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", platform.variable("AGENTSERVER_KAFKA")))) {
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(
                                    new AlterConfigOp(
                                            new ConfigEntry("max.compaction.lag.ms", "2000"), AlterConfigOp.OpType.SET),
                                    new AlterConfigOp(
                                            new ConfigEntry("file.delete.delay.ms", "100"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    private Client newTenant(FiveProcesses platform, String id, String name) {
        Client operator =
                new Client(http, platform.variable("AGENTSERVER_URL"), platform.variable("AGENTSERVER_ADMIN_KEY"));
        HttpResponse<String> created = operator.post(
                "/admin/v1/tenants",
                "application/json",
                "{\"id\":\"" + id + "\",\"name\":\"" + name + "\",\"plan\":\"dev\"}",
                Map.of());
        assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        return new Client(
                http, operator.url(), Client.json(created).path("api_key").stringValue());
    }

    private static String say(Client client, String to, String root, String text) {
        String field = root.equals("Greeting") ? "Name" : "Text";
        HttpResponse<String> answer = client.post(
                "/v1/messages",
                "application/json",
                "{\"to\":\"" + to + "\",\"payload\":{\"" + root + "\":{\"" + field + "\":\"" + text + "\"}}}",
                WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return Client.json(answer).path("thread").stringValue();
    }

    private static void send(Client client, String to, String payload) {
        HttpResponse<String> accepted = client.post(
                "/v1/messages", "application/json", "{\"to\":\"" + to + "\",\"payload\":" + payload + "}", Map.of());
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
    }

    private static long found(JsonNode receipt, String store) {
        return store(receipt, store).path("found").asLong();
    }

    private static JsonNode store(JsonNode receipt, String store) {
        for (JsonNode each : receipt.path("stores").values()) {
            if (each.path("store").asString("").equals(store)) {
                return each;
            }
        }
        throw new AssertionError(store + " is not in " + receipt);
    }

    private static DynamoDbClient dynamo(Platform platform) {
        return DynamoDbClient.builder()
                .endpointOverride(URI.create(Objects.requireNonNull(platform.variable("AGENTSERVER_DYNAMODB_URL"))))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
    }

    private static String mirror() {
        return """
                organism: {name: test}
                listeners:
                  - name: mirror
                    description: Says it again.
                    handler: builtin:echo
                    payload: {root: Face, fields: {Text: string}}
                """;
    }

    private static String organism(int port) {
        return mirror() + """
                  - name: alarm
                    description: Rings at a time.
                    handler: builtin:timer
                    payload: {root: Alarm, fields: {After: string, Text: string}}
                    response: {root: Ring, fields: {Text: string}}
                  - name: worker
                    description: Takes its time.
                    handler: http
                    url: http://127.0.0.1:%d/
                    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                    payload: {root: Work, fields: {Text: string}}
                    response: {root: Done, fields: {Text: string}}
                  - name: greeter
                    description: Greets.
                    agent: true
                    handler: llm
                    prompt: Greet as %s would.
                    model: default
                    payload: {root: Greeting, fields: {Name: string}}
                """.formatted(port, CANARY);
    }
}
