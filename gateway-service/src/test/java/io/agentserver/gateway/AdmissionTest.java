package io.agentserver.gateway;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.RecordMac;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(GatewayExtension.class)
class AdmissionTest {
    static final String ORGANISM = """
            organism: {name: test}
            listeners:
              - name: greeter
                description: Echoes a greeting.
                handler: builtin:echo
                payload: {root: Greeting, fields: {Name: string, Times: {type: int, optional: true}}}
            """;

    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    AdmissionTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "t" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, ORGANISM).status()).isEqualTo(200);
    }

    static String envelope(String meta, String payload) {
        return "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta>" + meta + "</meta>" + payload
                + "</message>";
    }

    private static String greeting() {
        return envelope("<from>console</from>", "<Greeting xmlns=\"\"><Name>World</Name></Greeting>");
    }

    private Answer xml(String body) {
        return gateway.post("/v1/messages", key, "application/xml", body);
    }

    private Answer json(String body) {
        return gateway.post("/v1/messages", key, "application/json", body);
    }

    @Test
    void puts_a_verifiable_canonical_envelope_on_the_log() {
        Answer answer = xml(greeting());

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        String thread = answer.json().path("thread_id").asString();
        assertThat(answer.json().path("status").asString()).isEqualTo("accepted");
        assertThat(answer.json().path("turn_id")).isEqualTo(answer.json().path("message_id"));
        assertThat(answer.header("Location")).isEqualTo("/v1/threads/" + thread);
        List<ConsumerRecord<byte[], byte[]>> records = LogReader.all(stores, tenant);
        assertThat(records).hasSize(1);
        ConsumerRecord<byte[], byte[]> record = records.getFirst();
        assertThat(new String(record.key(), StandardCharsets.UTF_8)).isEqualTo(thread);
        assertThat(record.timestampType()).isEqualTo(TimestampType.LOG_APPEND_TIME);
        Envelope envelope = EnvelopeDocument.readOwn(new String(record.value(), StandardCharsets.UTF_8));
        assertThat(envelope.bytes()).isEqualTo(record.value());
        assertThat(envelope.payload()).isEqualTo("<Greeting><Name>World</Name></Greeting>");
        assertThat(new EnvelopeToken(Clock.systemUTC())
                        .verifyOnLog(
                                envelope,
                                (issuer, kid) -> issuer.equals("agentserver")
                                        ? gateway.platformKeys().find(kid)
                                        : Optional.empty()))
                .isEqualTo(new EnvelopeToken.Verification.Verified(new TenantId(tenant), 0));
        assertThat(new RecordMac(RunningGateway.SECRET)
                        .verifies(
                                record.headers().lastHeader("mac").value(),
                                record.topic(),
                                record.key(),
                                record.value()))
                .isTrue();
        assertThat(new String(record.headers().lastHeader("message-id").value(), StandardCharsets.UTF_8))
                .isEqualTo(answer.json().path("message_id").asString());
        assertThat(record.headers().lastHeader("traceparent"))
                .as("no traces are made here, and the client brought none")
                .isNull();
    }

    @Test
    void carries_on_the_trace_of_the_client() {
        String trace = "0af7651916cd43dd8448eb211c80319c";
        gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("traceparent", "00-" + trace + "-b7ad6b7169203331-01")
                .POST(HttpRequest.BodyPublishers.ofString(greeting())));

        byte[] header = LogReader.all(stores, tenant)
                .getFirst()
                .headers()
                .lastHeader("traceparent")
                .value();
        assertThat(new String(header, StandardCharsets.UTF_8)).isEqualTo("00-" + trace + "-b7ad6b7169203331-01");
    }

    @Test
    void makes_an_envelope_of_json_in_the_order_of_the_schema() {
        Answer answer = json("{\"payload\":{\"Greeting\":{\"Times\":3,\"Name\":\"a < b\"}}}");

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        Envelope envelope = onTheLog().getFirst();
        assertThat(envelope.meta().from()).isEqualTo("client");
        assertThat(envelope.payload()).isEqualTo("<Greeting><Name>a &lt; b</Name><Times>3</Times></Greeting>");
    }

    @Test
    void takes_the_payload_of_json_as_xml_text_too() {
        assertThat(json("{\"to\":\"greeter\",\"payload\":\"<Greeting><Name>x</Name></Greeting>\"}")
                        .status())
                .isEqualTo(202);
        assertThat(onTheLog().getFirst().meta().to()).isEqualTo("greeter");
    }

    @Test
    void derives_the_ids_from_the_idempotency_key_and_admits_a_repeat_as_the_same_message() {
        Answer first = sendWithKey("order-17", greeting());
        Answer again = sendWithKey("order-17", greeting());

        assertThat(first.status()).isEqualTo(202);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertThat(first.json().path("message_id").asString())
                .isEqualTo(Ids.inTenant(new TenantId(tenant), "order-17").toString());
        assertThat(onTheLog()).hasSize(1);
    }

    @Test
    void refuses_another_content_under_the_same_id() {
        sendWithKey("order-18", greeting());
        Answer other = sendWithKey("order-18", greeting().replace("World", "Moon"));

        assertThat(other.status()).isEqualTo(422);
        assertThat(other.problem()).isEqualTo("idempotency-mismatch");
        assertThat(onTheLog()).hasSize(1);
    }

    @Test
    void refuses_an_idempotency_key_that_was_sent_with_another_thread() {
        String one = greeting().replace("</meta>", "<thread>" + Ids.v7() + "</thread></meta>");
        String two = greeting().replace("</meta>", "<thread>" + Ids.v7() + "</thread></meta>");
        assertThat(sendWithKey("order-19", one).status()).isEqualTo(202);
        assertThat(sendWithKey("order-19", one).status()).isEqualTo(202);

        for (String other : List.of(two, greeting())) {
            Answer refused = sendWithKey("order-19", other);
            assertThat(refused.status()).as(refused.body()).isEqualTo(422);
            assertThat(refused.problem()).isEqualTo("idempotency-mismatch");
        }
        assertThat(sendWithKey("order-20", greeting()).status()).isEqualTo(202);
        assertThat(sendWithKey("order-20", one).status()).isEqualTo(422);
        assertThat(onTheLog()).hasSize(2);
    }

    @Test
    void refuses_what_the_topic_never_takes() throws Exception {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, stores.kafkaBootstrap()))) {
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "messages." + tenant);
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("max.message.bytes", "100"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
        Answer refused = xml(greeting());

        assertThat(refused.status()).as(refused.body()).isEqualTo(413);
        assertThat(refused.problem()).isEqualTo("too-large");
        assertThat(onTheLog()).isEmpty();
    }

    @Test
    void gives_fifty_at_once_with_one_id_the_same_answer() throws Exception {
        List<Future<Answer>> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                answers.add(threads.submit(() -> sendWithKey("at-once", greeting())));
            }
        }
        for (Future<Answer> answer : answers) {
            assertThat(answer.get().status()).isEqualTo(202);
            assertThat(answer.get().json()).isEqualTo(answers.getFirst().get().json());
        }
        assertThat(onTheLog().stream().map(e -> e.meta().id()).distinct()).hasSize(1);
    }

    @Test
    void lets_one_of_fifty_contents_with_one_id_stand() throws Exception {
        Map<String, Future<Answer>> answers = new HashMap<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                String body = greeting().replace("World", "N" + i);
                answers.put(body, threads.submit(() -> sendWithKey("at-once", body)));
            }
        }
        assertThat(onTheLog()).hasSize(1);
        for (Map.Entry<String, Future<Answer>> answer : answers.entrySet()) {
            int status = answer.getValue().get().status();
            assertThat(status).isIn(202, 422);
            assertThat(sendWithKey("at-once", answer.getKey()).status())
                    .as("again")
                    .isEqualTo(status);
        }
        assertThat(onTheLog()).hasSize(1);
    }

    @Test
    void answers_202_when_the_response_cannot_be_waited_for() {
        Answer answer = gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("Prefer", "wait=1")
                .POST(HttpRequest.BodyPublishers.ofString(greeting())));
        assertThat(answer.status()).isEqualTo(202);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            400 | malformed-xml    |               | <message
            400 | malformed-xml    |               | <!DOCTYPE message><message/>
            422 | invalid-envelope | /             | <other/>
            422 | invalid-envelope | /message/meta/from | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta/><a xmlns=""/></message>
            422 | invalid-envelope | /message/meta/id | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>c</from><id xmlns="https://xml-pipeline.org/ns/delivery/v1">7</id></meta><a xmlns=""/></message>
            422 | invalid-envelope | /message/meta/from | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>system</from></meta><Greeting xmlns=""><Name>x</Name></Greeting></message>
            422 | invalid-envelope | /message/meta/from | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>greeter</from></meta><Greeting xmlns=""><Name>x</Name></Greeting></message>
            422 | invalid-envelope | /message/meta/turn | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>c</from><turn xmlns="https://xml-pipeline.org/ns/delivery/v1">0199c0de-7a11-7000-8000-000000000001</turn></meta><Greeting xmlns=""><Name>x</Name></Greeting></message>
            422 | unknown-listener |               | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>c</from></meta><Nobody xmlns=""/></message>
            422 | unknown-listener |               | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>c</from><to>nobody</to></meta><Greeting xmlns=""><Name>x</Name></Greeting></message>
            422 | invalid-payload  | /message/Greeting/Nom | <message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>c</from></meta><Greeting xmlns=""><Nom>x</Nom></Greeting></message>
            """)
    void refuses_xml_with_its_reason_and_appends_nothing(int status, String problem, String pointer, String body) {
        Answer answer = xml(body);

        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.json().path("pointer").asString("")).isEqualTo(pointer == null ? "" : pointer);
        assertThat(answer.json().path("request_id").asString()).isEqualTo(answer.header("Request-Id"));
        assertThat(onTheLog()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            400 | malformed-json   |              | {"payload":
            400 | malformed-json   |              | {"from":"a","from":"b","payload":{"Greeting":{"Name":"x"}}}
            422 | unknown-field    | /role        | {"role":"admin","payload":{"Greeting":{"Name":"x"}}}
            422 | invalid-field    | /payload     | {"from":"c"}
            422 | invalid-envelope | /thread_id   | {"thread_id":"7","payload":{"Greeting":{"Name":"x"}}}
            422 | invalid-envelope | /from        | {"from":"greeter","payload":{"Greeting":{"Name":"x"}}}
            422 | invalid-envelope | /to          | {"to":"a b","payload":{"Greeting":{"Name":"x"}}}
            422 | invalid-payload  | /payload/Greeting/Times | {"payload":{"Greeting":{"Name":"x","Times":"many"}}}
            400 | malformed-xml    |              | {"payload":"<Greeting><Name>x</Name>"}
            422 | invalid-payload  | /payload/Greeting/Times | {"payload":{"Greeting":{"Name":"x","Times":1e999}}}
            400 | malformed-json   |              | {"payload":{"Greeting":{"Name":"x","Times":1e999999999999}}}
            400 | malformed-json   |              | {"payload":{"Greeting":{"Name":"x","Times":1e-999999999999}}}
            400 | malformed-json   |              | {"payload":{"Greeting":{"Name":1e2147483648}}}
            """)
    void refuses_json_with_its_reason_and_appends_nothing(int status, String problem, String pointer, String body) {
        Answer answer = json(body);

        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.json().path("pointer").asString("")).isEqualTo(pointer == null ? "" : pointer);
        assertThat(onTheLog()).isEmpty();
    }

    @Test
    void refuses_a_body_over_the_limit_also_when_its_length_is_not_said() {
        String large = greeting().replace("World", "x".repeat(300_000));
        Answer chunked = gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new java.io.ByteArrayInputStream(large.getBytes(StandardCharsets.UTF_8)))));

        assertThat(xml(large).status()).isEqualTo(413);
        assertThat(chunked.status()).isEqualTo(413);
        assertThat(onTheLog()).isEmpty();
    }

    @Test
    void refuses_what_inflates_over_the_limit_and_takes_what_does_not() throws Exception {
        assertThat(gzipped(greeting().replace("World", "x".repeat(3_000_000))).status())
                .isEqualTo(413);
        assertThat(gzipped(greeting()).status()).isEqualTo(202);
    }

    @Test
    void refuses_other_content_types() {
        assertThat(gateway.post("/v1/messages", key, "text/plain", greeting()).status())
                .isEqualTo(415);
    }

    @Test
    void knows_no_caller_without_a_living_key_and_tells_no_causes_apart() {
        String made = key.substring(0, key.length() - 1) + (key.endsWith("a") ? "b" : "a");
        Answer wrong = gateway.post("/v1/messages", made, "application/xml", greeting());
        Answer none = gateway.send(gateway.request("/v1/messages")
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString(greeting())));

        assertThat(wrong.status()).isEqualTo(401);
        assertThat(none.status()).isEqualTo(401);
        assertThat(withoutRequestId(wrong)).isEqualTo(withoutRequestId(none));
    }

    /** As Prometheus reads it; of each answer in all of the gateway's tests {@link RunningGateway#send} asks the registry. */
    @Test
    void counts_what_it_refuses_by_its_reason() {
        String signed = SigningOrg.with(SigningOrg.unsigned(), "a.b.c");
        Map<String, Supplier<Answer>> refused = Map.of(
                "malformed-xml", () -> xml("<"),
                "invalid-signature", () -> xml(signed),
                "invalid-envelope", () -> xml(envelope("<from>core</from>", "<Greeting xmlns=\"\"/>")),
                "invalid-payload", () -> xml(envelope("<from>console</from>", "<Greeting xmlns=\"\"/>")),
                "too-large", () -> xml(greeting().replace("World", "x".repeat(300_000))),
                "unsupported-media-type", () -> gateway.post("/v1/messages", key, "text/plain", greeting()));
        refused.forEach((reason, request) -> {
            double before = rejected(reason);
            assertThat(request.get().problem()).isEqualTo(reason);
            assertThat(rejected(reason)).as(reason).isEqualTo(before + 1);
        });
    }

    private double rejected(String reason) {
        return gateway.send(gateway.managementRequest("/actuator/prometheus"))
                .body()
                .lines()
                .filter(line -> line.startsWith("agentserver_rejected_total") && line.contains("\"" + reason + "\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    private static String withoutRequestId(Answer answer) {
        return answer.body().replaceAll("\"request_id\":\"[^\"]*\"", "");
    }

    private Answer gzipped(String body) throws java.io.IOException {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        try (java.util.zip.GZIPOutputStream gzip = new java.util.zip.GZIPOutputStream(out)) {
            gzip.write(body.getBytes(StandardCharsets.UTF_8));
        }
        return gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("Content-Encoding", "gzip")
                .POST(HttpRequest.BodyPublishers.ofByteArray(out.toByteArray())));
    }

    private Answer sendWithKey(String idempotencyKey, String body) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("Idempotency-Key", idempotencyKey)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private List<Envelope> onTheLog() {
        return LogReader.all(stores, tenant).stream()
                .map(r -> EnvelopeDocument.readOwn(new String(r.value(), StandardCharsets.UTF_8)))
                .toList();
    }
}
