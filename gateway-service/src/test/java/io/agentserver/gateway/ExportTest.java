package io.agentserver.gateway;

import com.sun.net.httpserver.HttpServer;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.grpc.Status;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.ZipFile;
import javax.xml.parsers.DocumentBuilderFactory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A tenant's data in one archive. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExportTest {
    private static final String USAGE = "{\n\"data\": [], \"total\": {\"calls\": 7}}";

    private final BufferDouble buffer = new BufferDouble();
    private final HttpServer billing = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    private final LocalStores stores;
    private final RunningGateway gateway;
    private final HttpClient http = HttpClient.newHttpClient();
    private String tenant = "";
    private String key = "";

    ExportTest(LocalStores stores) throws IOException {
        this.stores = stores;
        billing.createContext("/internal/v1/usage", exchange -> {
            byte[] body = USAGE.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        billing.start();
        gateway = RunningGateway.on(
                stores,
                Map.of(
                        "AGENTSERVER_BUFFER_ADDRESS",
                        buffer.address(),
                        "AGENTSERVER_BILLING_URL",
                        "http://127.0.0.1:" + billing.getAddress().getPort()));
    }

    @AfterAll
    void stop() {
        gateway.close();
        billing.stop(0);
        buffer.close();
        http.close();
    }

    @BeforeEach
    void a_tenant() {
        tenant = "x" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        buffer.slots.clear();
        buffer.listed = List.of();
        buffer.lastSequence = 1;
        buffer.beforeRead = _ -> {};
    }

    @Test
    void has_all_that_there_is_and_says_what_it_has() throws Exception {
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        String second = AdmissionTest.ORGANISM + "# changed\n";
        assertThat(gateway.send(gateway.request("/v1/provider-keys/openai")
                                .header("Authorization", "Bearer " + key)
                                .header("Content-Type", "application/json")
                                .PUT(HttpRequest.BodyPublishers.ofString("{\"key\":\"sk-0123456789-wxyz\"}")))
                        .status())
                .isEqualTo(200);
        assertThat(gateway.putOrganism(key, second).status()).isEqualTo(200);
        List<String> conversations = List.of(conversation("one"), conversation("two"), conversation("three"));
        String letter = deadLetter();

        Map<String, byte[]> files = files(archive(key));

        assertThat(files.keySet())
                .containsExactly(
                        "tenant.json",
                        "organisms.ndjson",
                        "usage.ndjson",
                        "conversations.ndjson",
                        "messages.ndjson",
                        "messages.xml",
                        "dead-letters.ndjson",
                        "manifest.json");
        JsonNode about = json(files, "tenant.json");
        assertThat(about.path("id").asString()).isEqualTo(tenant);
        assertThat(about.path("api_keys").path(0).path("name").asString()).isEqualTo("first");
        JsonNode own = about.path("provider_keys").path(0);
        assertThat(own.propertyNames()).containsExactly("provider", "ends_with", "created_at");
        assertThat(own.path("provider").asString()).isEqualTo("openai");
        assertThat(own.path("ends_with").asString()).isEqualTo("wxyz");
        assertThat(text(files, "tenant.json"))
                .doesNotContain(
                        "hash",
                        "sk-0123456789",
                        gateway.entry(tenant)
                                .providerKey("openai")
                                .orElseThrow()
                                .sealed());
        assertThat(lines(files, "organisms.ndjson"))
                .extracting(line -> line.path("yaml").asString())
                .containsExactly(AdmissionTest.ORGANISM, second);
        assertThat(lines(files, "usage.ndjson"))
                .extracting(line -> line.path("total").path("calls").asInt())
                .containsExactly(7);
        assertThat(lines(files, "conversations.ndjson"))
                .extracting(line -> line.path("id").asString())
                .containsExactlyElementsOf(conversations);
        assertThat(lines(files, "messages.ndjson"))
                .extracting(line -> line.path("conversation").asString())
                .containsExactlyElementsOf(conversations);
        assertThat(lines(files, "messages.ndjson"))
                .extracting(line -> line.path("envelope").asString())
                .allMatch(envelope -> envelope.startsWith("<said>"));
        var xml = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(Objects.requireNonNull(files.get("messages.xml"))));
        assertThat(xml.getElementsByTagName("said").getLength()).isEqualTo(3);
        assertThat(lines(files, "dead-letters.ndjson"))
                .extracting(line -> line.path("id").asString())
                .containsExactly(letter);
        assertThat(text(files, "dead-letters.ndjson")).contains("Greeting");
        JsonNode manifest = json(files, "manifest.json");
        assertThat(manifest.path("tenant").asString()).isEqualTo(tenant);
        assertThat(manifest.path("files").size()).isEqualTo(files.size() - 1);
        for (JsonNode file : manifest.path("files").values()) {
            String name = file.path("name").asString();
            assertThat(file.path("sha256").asString())
                    .as(name)
                    .isEqualTo(sha256(Objects.requireNonNull(files.get(name))));
            if (name.endsWith(".ndjson")) {
                assertThat(file.path("entries").asInt())
                        .as(name)
                        .isEqualTo(lines(files, name).size());
            }
        }
    }

    @Test
    void has_nothing_that_began_after_it_and_what_moved_meanwhile_once() throws Exception {
        long later = Instant.now().plusSeconds(3_600).toEpochMilli();
        String moved = conversation("moved");
        String fresh = conversation("fresh");
        Conversation again =
                conversations().getFirst().toBuilder().setLastActivityMs(later).build();
        buffer.listed = List.of(
                again,
                conversations().getLast().toBuilder()
                        .setCreatedAtMs(later)
                        .setLastActivityMs(later)
                        .build(),
                again); // at the end of the list, where it has gone
        assertThat(lines(files(archive(key)), "messages.ndjson"))
                .extracting(line -> line.path("conversation").asString())
                .containsExactly(moved)
                .doesNotContain(fresh);
    }

    @Test
    void waits_for_a_store_that_is_away_for_a_moment() throws Exception {
        conversation("patient");
        AtomicInteger failures = new AtomicInteger(2);
        buffer.beforeRead = _ -> {
            if (failures.getAndDecrement() > 0) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
        };
        assertThat(lines(files(archive(key)), "messages.ndjson")).hasSize(1);
    }

    @Test
    void needs_every_scope_of_what_it_shows() {
        Answer made = gateway.post(
                "/v1/keys",
                key,
                "application/json",
                "{\"name\":\"x\",\"scopes\":[\"threads:read\",\"usage:read\",\"organism:write\"]}");
        assertThat(gateway.post("/v1/export", made.json().path("secret").asString(), "application/json", "")
                        .problem())
                .isEqualTo("forbidden");
    }

    @Test
    void is_one_at_a_time_and_breaks_off_with_its_key_so_that_nobody_takes_it_for_whole() throws Exception {
        conversation("one");
        conversation("two");
        Answer made = gateway.post(
                "/v1/keys",
                key,
                "application/json",
                "{\"name\":\"x\",\"scopes\":[\"threads:read\",\"usage:read\",\"organism:write\",\"keys:write\"]}");
        CountDownLatch reads = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        buffer.beforeRead = _ -> {
            reads.countDown();
            awaits(goOn);
        };
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<byte[]> broken =
                    executor.submit(() -> archive(made.json().path("secret").asString()));
            reads.await();
            assertThat(gateway.post("/v1/export", key, "application/json", "").problem())
                    .isEqualTo("conflict");
            assertThat(gateway.delete("/v1/keys/" + made.json().path("id").asString(), key)
                            .status())
                    .isEqualTo(204);
            goOn.countDown();
            assertThatThrownBy(broken::get).as("its connection breaks").hasRootCauseInstanceOf(IOException.class);
        }
        assertThat(files(archive(key))).as("the next one").containsKey("manifest.json");
    }

    /** So what it has of them is in no memory, however many there are. */
    @Test
    void its_first_bytes_leave_before_its_last_conversation_is_read() throws Exception {
        byte[] noise = new byte[300_000];
        new Random(9).nextBytes(noise); // or it would be compressed to next to nothing
        conversation(Base64.getEncoder().encodeToString(noise));
        String last = conversation("the last");
        CountDownLatch goOn = new CountDownLatch(1);
        buffer.beforeRead = conversation -> {
            if (conversation.equals(last)) {
                awaits(goOn);
            }
        };
        HttpResponse<InputStream> answer = http.send(exporting(key), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = answer.body();
                var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            ByteArrayOutputStream archive = new ByteArrayOutputStream();
            archive.write(executor.submit(() -> body.readNBytes(100_000)).get(20, TimeUnit.SECONDS));
            assertThat(archive.size()).isEqualTo(100_000);
            goOn.countDown();
            body.transferTo(archive);
            assertThat(text(files(archive.toByteArray()), "messages.ndjson")).contains("the last");
        } finally {
            goOn.countDown();
        }
    }

    private static void awaits(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private String conversation(String said) {
        String id = Ids.v7().toString();
        buffer.slots.put(
                id,
                Slot.newBuilder()
                        .setSequence(1)
                        .setMessage(Ids.v7().toString())
                        .setThread(id)
                        .setTurn(Ids.v7().toString())
                        .setFrom("client")
                        .setTo("greeter")
                        .setRoot("said")
                        .setState(SlotState.SENT)
                        .setEnvelope("<said>" + said + "</said>")
                        .build());
        List<Conversation> all = new java.util.ArrayList<>(conversations());
        all.add(Conversation.newBuilder()
                .setId(id)
                .setState(ConversationState.IDLE)
                .setLastSequence(1)
                .build());
        buffer.listed = all;
        return id;
    }

    private List<Conversation> conversations() {
        return Objects.requireNonNull(buffer.listed);
    }

    private String deadLetter() {
        assertThat(gateway.post(
                                "/v1/messages",
                                key,
                                "application/json",
                                "{\"payload\":{\"Greeting\":{\"Name\":\"World\"}}}")
                        .status())
                .isEqualTo(202);
        ConsumerRecord<byte[], byte[]> message = LogReader.all(stores, tenant).getFirst();
        try (DeadLetterWriter writer = new DeadLetterWriter(stores)) {
            return writer.write(
                    tenant,
                    message.key(),
                    message.value(),
                    message.headers().lastHeader("mac").value(),
                    "as the test wants it",
                    Instant.EPOCH);
        }
    }

    private byte[] archive(String with) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer = http.send(exporting(with), HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/zip");
        return answer.body();
    }

    private HttpRequest exporting(String with) {
        return gateway.request("/v1/export")
                .header("Authorization", "Bearer " + with)
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
    }

    /** By its directory, as whoever is sent one opens it. */
    private static Map<String, byte[]> files(byte[] archive) throws IOException {
        Path file = Files.createTempFile("export", ".zip");
        Map<String, byte[]> files = new LinkedHashMap<>();
        try {
            Files.write(file, archive);
            try (ZipFile zip = new ZipFile(file.toFile())) {
                for (var entry : zip.stream().toList()) {
                    files.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
                }
            }
        } finally {
            Files.delete(file);
        }
        return files;
    }

    private static String text(Map<String, byte[]> files, String name) {
        return new String(Objects.requireNonNull(files.get(name), name), StandardCharsets.UTF_8);
    }

    private static JsonNode json(Map<String, byte[]> files, String name) {
        return RunningGateway.JSON.readTree(text(files, name));
    }

    private static List<JsonNode> lines(Map<String, byte[]> files, String name) {
        return text(files, name).lines().map(RunningGateway.JSON::readTree).toList();
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
