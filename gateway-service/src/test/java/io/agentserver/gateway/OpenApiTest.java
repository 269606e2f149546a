package io.agentserver.gateway;

import com.google.protobuf.ProtocolMessageEnum;
import com.sun.net.httpserver.HttpServer;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.CaughtUp;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.limits.LimitsFilter;
import io.agentserver.gateway.problems.ErrorEndpoint;
import io.agentserver.localstores.LocalStores;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code /openapi.json} and {@code /docs}: what they say is what the gateway does. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiTest {
    private static final String ORGANISM = """
            organism: {name: test}
            listeners:
              - name: greeter
                description: Echoes a greeting.
                handler: builtin:echo
                payload: {root: Greeting, fields: {Name: string}}
              - name: thinker
                description: Asks a model.
                agent: true
                handler: llm
                prompt: Think.
                model: default
                payload: {root: Question, fields: {Text: string}}
                peers: [greeter]
              - name: approver
                description: Asks a person.
                handler: http
                url: https://approver.example/
                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                payload: {root: Ask, fields: {Text: string}}
                response: {root: Decision, fields: {Text: string}}
            """;
    private static final String GREETING = "{\"payload\":{\"Greeting\":{\"Name\":\"World\"}}}";
    private static final String ENVELOPE =
            AdmissionTest.envelope("<from>console</from>", "<Greeting xmlns=\"\"><Name>World</Name></Greeting>");
    private static final String USAGE = """
            {"data":[{"day":"2030-01-31","model":"simulated","listener":null,"calls":1,"input_tokens":2,\
            "cached_input_tokens":0,"output_tokens":3,"cost_microusd":0,"price_microusd":0}],\
            "total":{"calls":1,"input_tokens":2,"cached_input_tokens":0,"output_tokens":3,"cost_microusd":0,"price_microusd":0}}""";

    /** It takes a bucket to see this; {@link StaticDeliveryTest} has one. */
    private static final String ELSEWHERE = "GET /v1/static/{version}/{file} 307";

    private final BufferDouble buffer = new BufferDouble();
    private final HttpServer billing = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    private final LocalStores stores;
    private final RunningGateway gateway;
    private final ApiDescription description;

    OpenApiTest(LocalStores stores) throws IOException {
        this.stores = stores;
        answer("/internal/v1/usage", USAGE);
        answer("/internal/v1/credit", "{\"id\":\"adjustment:1\",\"balance_microusd\":7}");
        billing.start();
        gateway = RunningGateway.on(
                stores,
                Map.of(
                        "AGENTSERVER_BUFFER_ADDRESS",
                        buffer.address(),
                        "AGENTSERVER_BILLING_URL",
                        "http://127.0.0.1:" + billing.getAddress().getPort()));
        description = gateway.description();
    }

    @AfterAll
    void stop() {
        gateway.close();
        billing.stop(0);
        buffer.close();
    }

    @Test
    void describes_every_call_that_is_mapped_and_no_other() {
        Set<String> mapped = new TreeSet<>();
        gateway.bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .forEach((mapping, method) -> {
                    if (method.getBeanType() != ErrorEndpoint.class) {
                        for (var verb : mapping.getMethodsCondition().getMethods()) {
                            mapping.getPatternValues().forEach(path -> mapped.add(verb + " " + withoutPatterns(path)));
                        }
                    }
                });
        assertThat(mapped).hasSizeGreaterThan(30);
        assertThat(description.calls()).isEqualTo(mapped);
    }

    @Test
    void describes_what_the_contract_names() {
        assertThat(description.calls())
                .contains(
                        "POST /v1/messages",
                        "GET /v1/threads",
                        "GET /v1/threads/{id}",
                        "GET /v1/threads/{id}/messages",
                        "GET /v1/threads/{id}/events",
                        "POST /v1/threads/{id}/cancel",
                        "DELETE /v1/threads/{id}",
                        "GET /v1/organism",
                        "PUT /v1/organism",
                        "GET /v1/organism/versions",
                        "GET /v1/listeners",
                        "GET /v1/listeners/{name}/schema",
                        "GET /v1/keys",
                        "POST /v1/keys",
                        "DELETE /v1/keys/{id}",
                        "POST /v1/keys/{id}/rotate",
                        "GET /v1/signing-keys",
                        "POST /v1/signing-keys",
                        "DELETE /v1/signing-keys/{kid}",
                        "GET /v1/provider-keys",
                        "PUT /v1/provider-keys/{provider}",
                        "DELETE /v1/provider-keys/{provider}",
                        "GET /v1/dead-letters",
                        "POST /v1/dead-letters/{id}/redrive",
                        "POST /v1/dead-letters/redrive",
                        "GET /v1/usage",
                        "POST /v1/export",
                        "POST /admin/v1/tenants",
                        "GET /admin/v1/tenants/{id}",
                        "GET /admin/v1/tenants/{id}/stats",
                        "PATCH /admin/v1/tenants/{id}",
                        "DELETE /admin/v1/tenants/{id}",
                        "GET /admin/v1/jobs/{id}",
                        "GET /openapi.json",
                        "GET /docs");
    }

    @Test
    void every_call_answers_as_it_is_described() throws Exception {
        String tenant = "o" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        String key = gateway.createTenant(tenant);
        expect(200, gateway.putOrganism(key, ORGANISM));

        platform();
        messages(tenant, key);
        threads(key);
        organism(key);
        keys(key);
        deadLetters(tenant, key);
        respond(tenant);
        expect(200, gateway.get("/v1/usage?from=2030-01-01&to=2030-01-31", key));
        buffer.listed = List.of();
        expect(200, gateway.post("/v1/export", key, "application/json", ""));
        operator(tenant);
        expect(202, gateway.delete("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY));
        expect(200, gateway.get("/admin/v1/jobs/delete-" + tenant, RunningGateway.ADMIN_KEY));
        for (String call : description.calls()) {
            Answer refused = without(call);
            boolean needsNoKey = description.operation(call).path("security").isEmpty();
            assertThat(refused.status() == 401).as(call + ": " + refused.body()).isNotEqualTo(needsNoKey);
        }

        Set<String> unseen = new TreeSet<>(good());
        unseen.removeAll(description.seen());
        assertThat(unseen).as("described, and never answered").containsExactly(ELSEWHERE);
        assertThat(description.calls().stream()
                        .filter(call -> description.operation(call).path("responses").propertyNames().stream()
                                .anyMatch(status -> status.startsWith("4")))
                        .filter(call -> description.seen().stream()
                                .noneMatch(seen -> seen.matches("(?s)" + Pattern.quote(call) + " [45].*"))))
                .as("refusals that were never seen")
                .isEmpty();
    }

    /** Each answer that is no refusal. */
    private Set<String> good() {
        Set<String> good = new TreeSet<>();
        for (String call : description.calls()) {
            for (Map.Entry<String, JsonNode> answer :
                    description.operation(call).path("responses").properties()) {
                if (answer.getKey().matches("[23].*")) {
                    Set<String> types =
                            new HashSet<>(answer.getValue().path("content").propertyNames());
                    if (types.isEmpty()) {
                        good.add(call + " " + answer.getKey());
                    }
                    types.forEach(type -> good.add(call + " " + answer.getKey() + " " + type));
                }
            }
        }
        return good;
    }

    private void platform() {
        for (String path : List.of("/healthz", "/.well-known/jwks.json")) {
            expect(200, gateway.send(gateway.request(path)));
        }
        for (String path : List.of("/openapi.json", "/docs")) {
            String etag = expect(200, gateway.send(gateway.request(path))).header("ETag");
            expect(304, gateway.send(gateway.request(path).header("If-None-Match", etag)));
        }
    }

    private void messages(String tenant, String key) {
        expect(202, gateway.post("/v1/messages", key, "application/json", GREETING));
        expect(202, gateway.post("/v1/messages", key, "application/xml", ENVELOPE));
        String batch = "<batch>" + ENVELOPE + ENVELOPE.replace("Greeting", "Unknown") + "</batch>";
        JsonNode results = expect(
                        207, gateway.post("/v1/messages", key, "application/vnd.agentserver.batch+xml", batch))
                .json()
                .path("results");
        assertThat(results.path(0).path("status").asInt()).isEqualTo(202);
        assertThat(results.path(1).path("status").asInt()).isEqualTo(422);
        String own = new String(LogReader.all(stores, tenant).getFirst().value(), StandardCharsets.UTF_8);
        buffer.awaited = AwaitTurnReply.newBuilder()
                .setEnded(true)
                .setResponse(slot(1).toBuilder().setEnvelope(own))
                .build();
        expect(200, waiting(key, "application/json", GREETING));
        expect(200, waiting(key, "application/xml", ENVELOPE));
        buffer.awaited = AwaitTurnReply.newBuilder().setEnded(true).build();
        expect(204, waiting(key, "application/xml", ENVELOPE));
    }

    private Answer waiting(String key, String type, String body) {
        return gateway.send(with(key, "/v1/messages")
                .header("Content-Type", type)
                .header("Prefer", "wait=5")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private void threads(String key) {
        String thread = Ids.v7().toString();
        buffer.slots.put(thread, slot(1));
        buffer.lastSequence = 1;
        buffer.watched = List.of(
                WatchEvent.newBuilder().setSlot(slot(1)).build(),
                WatchEvent.newBuilder().setCaughtUp(CaughtUp.newBuilder()).build());
        expect(200, gateway.get("/v1/threads?limit=5&order=asc", key));
        expect(200, gateway.get("/v1/threads/" + thread, key));
        expect(200, gateway.get("/v1/threads/" + thread + "/messages?after=0&limit=1", key));
        expect(
                200,
                gateway.send(with(key, "/v1/threads/" + thread + "/messages").header("Accept", "application/xml")));
        expect(200, gateway.post("/v1/threads/" + thread + "/cancel", key, "application/json", ""));
        assertThat(expect(200, gateway.get("/v1/threads/" + thread + "/events", key))
                        .body())
                .contains("event: slot\n", "event: done\n");
        expect(204, gateway.delete("/v1/threads/" + thread, key));
    }

    private static Slot slot(long sequence) {
        return Slot.newBuilder()
                .setSequence(sequence)
                .setMessage(Ids.v7().toString())
                .setThread(Ids.v7().toString())
                .setTurn(Ids.v7().toString())
                .setFrom("greeter")
                .setTo("console")
                .setRoot("Greeting")
                .setState(SlotState.SENT)
                .build();
    }

    private void organism(String key) {
        String etag = expect(200, gateway.get("/v1/organism", key)).header("ETag");
        expect(304, gateway.send(with(key, "/v1/organism").header("If-None-Match", etag)));
        expect(
                200,
                gateway.send(with(key, "/v1/organism?dry_run=true")
                        .header("Content-Type", "application/yaml")
                        .PUT(HttpRequest.BodyPublishers.ofString(ORGANISM))));
        expect(200, gateway.get("/v1/organism/versions", key));
        expect(200, gateway.get("/v1/listeners/greeter/schema", key));
        JsonNode listeners =
                expect(200, gateway.get("/v1/listeners", key)).json().path("data");
        String schema = listeners.path(0).path("payload").path("xsd_path").asString();
        String tag = expect(200, gateway.get(schema, key)).header("ETag");
        expect(304, gateway.send(with(key, schema).header("If-None-Match", tag)));
        expect(200, gateway.get(listeners.path(1).path("prompt_path").asString(), key));
    }

    private void keys(String key) {
        Answer made = expect(
                201,
                gateway.post(
                        "/v1/keys",
                        key,
                        "application/json",
                        "{\"name\":\"x\",\"scopes\":[\"usage:read\"],\"expires_at\":\"2099-01-01T00:00:00Z\"}"));
        String path = "/v1/keys/" + made.json().path("id").asString();
        expect(200, gateway.get("/v1/keys", key));
        expect(201, gateway.post(path + "/rotate", key, "application/json", ""));
        expect(204, gateway.send(with(key, path).DELETE()));
        String jwk = RunningGateway.JSON.writeValueAsString(example("Jwk"));
        expect(201, gateway.post("/v1/signing-keys", key, "application/json", jwk));
        expect(200, gateway.get("/v1/signing-keys", key));
        expect(204, gateway.send(with(key, "/v1/signing-keys/2030-01").DELETE()));
        String own = RunningGateway.JSON.writeValueAsString(example("NewProviderKey"));
        expect(
                200,
                gateway.send(with(key, "/v1/provider-keys/openai")
                        .header("Content-Type", "application/json")
                        .PUT(HttpRequest.BodyPublishers.ofString(own))));
        expect(200, gateway.get("/v1/provider-keys", key));
        expect(204, gateway.send(with(key, "/v1/provider-keys/openai").DELETE()));
    }

    private void deadLetters(String tenant, String key) {
        ConsumerRecord<byte[], byte[]> message = LogReader.all(stores, tenant).getFirst();
        byte[] mac = message.headers().lastHeader("mac").value();
        try (DeadLetterWriter writer = new DeadLetterWriter(stores)) {
            String id =
                    writer.write(tenant, message.key(), message.value(), mac, "as the test wants it", Instant.EPOCH);
            writer.write(tenant, message.key(), message.value(), null, "of nobody knows whom", Instant.EPOCH);
            expect(200, gateway.get("/v1/dead-letters?limit=1", key));
            expect(200, gateway.get("/v1/dead-letters/" + id, key));
            expect(202, gateway.post("/v1/dead-letters/" + id + "/redrive", key, "application/json", ""));
            expect(200, gateway.post("/v1/dead-letters/redrive", key, "application/json", "{\"rate\":100}"));
        }
    }

    private void respond(String tenant) {
        ThreadId thread = ThreadId.parse(Ids.v7().toString());
        RespondToken.Asked asked = new RespondToken.Asked(
                new TenantId(tenant),
                thread,
                thread,
                MessageId.parse(Ids.v7().toString()),
                "approver",
                1,
                Instant.now().plusSeconds(60));
        String token = RespondToken.issue(gateway.platformKeys().signing(), asked);
        String yes = "<Decision><Text>yes</Text></Decision>";
        expect(
                202,
                gateway.send(gateway.request("/v1/respond/" + token)
                        .header("Content-Type", "application/xml")
                        .POST(HttpRequest.BodyPublishers.ofString(yes))));
    }

    private void operator(String tenant) {
        String path = "/admin/v1/tenants";
        expect(200, gateway.get(path, RunningGateway.ADMIN_KEY));
        path += "/" + tenant;
        expect(200, gateway.get(path, RunningGateway.ADMIN_KEY));
        expect(200, gateway.get(path + "/stats", RunningGateway.ADMIN_KEY));
        expect(201, gateway.post(path + "/keys", RunningGateway.ADMIN_KEY, "application/json", "{\"name\":\"x\"}"));
        expect(
                200,
                gateway.send(
                        with(RunningGateway.ADMIN_KEY, path)
                                .header("Content-Type", "application/json")
                                .method(
                                        "PATCH",
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"rate_limit\":null,\"llm_limits\":{\"concurrent\":1},\"retention_hours\":48}"))));
        expect(
                200,
                gateway.send(with(RunningGateway.ADMIN_KEY, path + "/credit")
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", "k")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"amount_microusd\":7,\"reason\":\"x\"}"))));
    }

    /** The call with a key that is nobody's, and with nothing else than its example. */
    private Answer without(String call) {
        String[] parts = call.split(" ", -1);
        String path = parts[1];
        for (JsonNode parameter : description.operation(call).path("parameters").values()) {
            path = path.replace(
                    "{" + parameter.path("name").asString() + "}",
                    parameter.path("example").asString("").replace("…", ""));
        }
        return gateway.send(with("as_live_nobody", path)
                .header("Content-Type", "application/json")
                .method(parts[0], HttpRequest.BodyPublishers.noBody()));
    }

    @Test
    void is_for_anybody_and_counts_towards_no_limit() {
        String tenant = "o" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        String key = gateway.createTenant(tenant);
        for (String path : LimitsFilter.OPEN) {
            for (String who : List.of(key, "as_live_nobody", RunningGateway.ADMIN_KEY)) {
                Answer answer = expect(200, gateway.get(path, who));
                assertThat(answer.header("RateLimit")).as(path).isEmpty();
            }
        }
        Set<String> open = description.calls().stream()
                .filter(call -> description.operation(call).path("security").isEmpty())
                .filter(call -> !call.startsWith("POST /v1/respond/"))
                .map(call -> call.replace("GET ", ""))
                .collect(Collectors.toSet());
        assertThat(LimitsFilter.OPEN).isEqualTo(open);
    }

    @Test
    void is_kept_by_caches_and_never_made_again() {
        for (String path : List.of("/openapi.json", "/docs")) {
            Answer first = gateway.send(gateway.request(path));
            Answer second = gateway.send(gateway.request(path));
            assertThat(first.header("Cache-Control")).isEqualTo("public, max-age=300");
            assertThat(second.body()).isEqualTo(first.body());
            assertThat(second.header("ETag")).isEqualTo(first.header("ETag")).matches("\"[0-9a-f]{32}\"");
        }
    }

    @Test
    void is_the_same_at_every_gateway() {
        try (RunningGateway other = RunningGateway.on(stores)) {
            assertThat(other.send(other.request("/openapi.json")).body())
                    .isEqualTo(gateway.send(gateway.request("/openapi.json")).body());
        }
    }

    @Test
    void is_openapi_whose_references_and_names_hold() throws IOException {
        JsonNode document = description.document();
        assertThat(document.path("openapi").asString()).startsWith("3.1.");
        assertThat(Files.readString(Path.of("pom.xml")))
                .contains("<version>" + document.path("info").path("version").asString("none") + "</version>");
        assertThat(document.toString())
                .as("a text that YAML has cut at a comma")
                .doesNotContain(":null");
        document.findValuesAsString("$ref")
                .forEach(reference -> assertThat(
                                document.at(reference.substring(1)).isMissingNode())
                        .as(reference)
                        .isFalse());
        List<String> ids = new ArrayList<>();
        for (String call : description.calls()) {
            JsonNode operation = description.operation(call);
            ids.add(operation.path("operationId").asString());
            assertThat(operation.path("summary").asString("")).as(call).isNotBlank();
            assertThat(operation
                            .path("responses")
                            .path("default")
                            .path("content")
                            .has("application/problem+json"))
                    .as(call)
                    .isTrue();
            Set<String> inPath = operation
                    .path("parameters")
                    .valueStream()
                    .filter(parameter -> parameter.path("in").asString().equals("path"))
                    .map(parameter -> "{" + parameter.path("name").asString() + "}")
                    .collect(Collectors.toSet());
            assertThat(Arrays.stream(call.split("/", -1)).filter(segment -> segment.startsWith("{")))
                    .as(call)
                    .containsExactlyInAnyOrderElementsOf(inPath);
        }
        assertThat(ids).doesNotHaveDuplicates();
        Set<String> used = new HashSet<>(document.findValuesAsString("$ref"));
        document.path("components")
                .path("schemas")
                .propertyNames()
                .forEach(name -> assertThat(used).as("used somewhere").contains("#/components/schemas/" + name));
    }

    @Test
    void knows_every_state_that_the_buffer_knows() {
        assertThat(states("Slot")).isEqualTo(names(SlotState.values()));
        assertThat(states("Conversation")).isEqualTo(names(ConversationState.values()));
        assertThat(states("Turn")).isEqualTo(names(TurnState.values()));
    }

    private Set<String> states(String schema) {
        return description
                .document()
                .at("/components/schemas/" + schema + "/properties/state/enum")
                .valueStream()
                .map(JsonNode::asString)
                .collect(Collectors.toSet());
    }

    private static Set<String> names(ProtocolMessageEnum[] values) {
        return Arrays.stream(values)
                .map(value -> ((Enum<?>) value).name())
                .filter(name -> !name.endsWith("UNSPECIFIED") && !name.equals("UNRECOGNIZED"))
                .map(name -> name.replaceFirst("^TURN_", "").toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
    }

    @Test
    void the_page_shows_every_call_and_runs_and_fetches_nothing() {
        Answer page = expect(200, gateway.send(gateway.request("/docs")));
        assertThat(page.header("Content-Type")).isEqualTo("text/html;charset=UTF-8");
        assertThat(page.header("Content-Security-Policy"))
                .matches(
                        "default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none';"
                                + " frame-ancestors 'none'");
        String html = page.body();
        for (String call : description.calls()) {
            JsonNode operation = description.operation(call);
            assertThat(html)
                    .contains("<article id=\"" + operation.path("operationId").asString() + "\">")
                    .contains("<code>" + call.split(" ", -1)[1] + "</code>");
        }
        assertThat(html)
                .contains("curl -X POST &quot;$AGENTSERVER_URL/v1/messages&quot;", "<code>idempotency-mismatch</code>")
                .contains("Authorization: Bearer $AGENTSERVER_ADMIN_KEY")
                .doesNotContainPattern(
                        "(?i)<script|\\son\\w+=|\\sstyle=|javascript:|\\s(src|action)=|<link|@import|url\\(")
                .doesNotContain(">null<", "{}");
        assertThat(html.split("href=\"", -1))
                .as("links within the page, and to the description")
                .allSatisfy(rest -> assertThat(rest).containsPattern("^(#[a-zA-Z-]+\"|/openapi.json\"|<!DOCTYPE)"));
        for (String rest : html.split("href=\"#", -1)) {
            String target = rest.substring(0, rest.indexOf('"'));
            if (!rest.startsWith("<!DOCTYPE")) {
                assertThat(html).contains("id=\"" + target + "\"");
            }
        }
    }

    private JsonNode example(String schema) {
        return description.document().at("/components/schemas/" + schema + "/examples/0");
    }

    private HttpRequest.Builder with(String key, String path) {
        return gateway.request(path).header("Authorization", "Bearer " + key);
    }

    private static Answer expect(int status, Answer answer) {
        assertThat(answer.status())
                .as(answer.raw().request() + " " + ApiDescription.shortened(answer.body()))
                .isEqualTo(status);
        return answer;
    }

    private static String withoutPatterns(String path) {
        return path.replaceAll("\\{(\\w+):(?:[^{}]|\\{[^{}]*})*}", "{$1}");
    }

    private void answer(String path, String json) {
        billing.createContext(path, exchange -> {
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                byte[] body = json.getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        });
    }
}
