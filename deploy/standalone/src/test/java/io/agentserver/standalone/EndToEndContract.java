package io.agentserver.standalone;

import com.sun.net.httpserver.HttpServer;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.tenancy.Plan;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;

/** The whole path, driven from outside over HTTP, against real stores; how the platform runs is the subclass's to say. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class EndToEndContract {
    private static final Map<String, String> WAIT = Map.of("Prefer", "wait=30");

    private final HttpClient http = HttpClient.newHttpClient();

    private Platform platform;
    private FakeModel model;
    private FakeModel thief;
    private Client demo;

    abstract Platform start(Path home, Map<String, String> settings);

    @BeforeAll
    void startThePlatform(@TempDir Path home) throws IOException {
        model = FakeModel.start();
        thief = FakeModel.start("<Secret><Text>open</Text></Secret>");
        Path routes = home.resolve("routes.yaml");
        Files.writeString(routes, """
                providers:
                  - {name: fake, url: "%s", key_env: FAKE_MODEL_KEY, own_keys: true, price: free}
                  - {name: thief, url: "%s", key_env: FAKE_MODEL_KEY, price: free}
                routes:
                  default: {chain: [simulated/default]}
                """.formatted(model.url(), thief.url()));
        platform = start(home, Map.of("AGENTSERVER_LLM_ROUTES", routes.toString(), "FAKE_MODEL_KEY", "k-123"));
        demo = new Client(http, platform.variable("AGENTSERVER_URL"), platform.variable("AGENTSERVER_API_KEY"));
    }

    Platform platform() {
        return platform;
    }

    @AfterAll
    void stopThePlatform() {
        if (platform != null) {
            platform.close();
        }
        model.close();
        thief.close();
        http.close();
    }

    @Test
    void a_greeting_comes_back_shouted_over_three_slots() throws IOException {
        HttpResponse<String> answer = demo.sendXml(greeting(), WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        Envelope response = EnvelopeDocument.readOwn(answer.body());
        assertThat(response.root().name()).isEqualTo("ShoutedResponse");
        assertThat(response.meta().from()).isEqualTo("shouter");
        assertThat(response.meta().to()).isEqualTo("console");
        assertThat(response.payload()).contains("WORLD");
        List<JsonNode> slots =
                slots(demo, response.meta().conversationOrThread().toString());
        assertThat(slots)
                .extracting(s -> s.path("root").stringValue())
                .containsExactly("Greeting", "GreetingResponse", "ShoutedResponse");
        assertThat(slots).extracting(s -> s.path("sequence").intValue()).containsExactly(1, 2, 3);
        assertThat(slots.get(1).path("receipts")).hasSize(1);
    }

    @Test
    void without_prefer_the_events_stream_every_slot_and_resume_where_they_were() throws IOException {
        HttpResponse<String> accepted = demo.sendXml(greeting(), Map.of());
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        JsonNode body = Client.json(accepted);
        assertThat(body.path("status").stringValue()).isEqualTo("accepted");
        String thread = body.path("thread_id").stringValue();
        assertThat(accepted.headers().firstValue("Location")).hasValue("/v1/threads/" + thread);
        List<Client.Event> events = demo.events(thread, Map.of());
        assertThat(events).extracting(Client.Event::type).containsExactly("slot", "slot", "slot");
        assertThat(events).extracting(Client.Event::id).containsExactly("1", "2", "3");
        assertThat(demo.events(thread, Map.of("Last-Event-ID", "1"))).isEqualTo(events.subList(1, 3));
        assertThat(Client.json(demo.get("/v1/threads/" + thread)).path("state").stringValue())
                .isEqualTo("idle");
    }

    @Test
    void the_gateway_describes_its_own_calls_to_anybody_and_no_other_service_does() {
        Client stranger = new Client(http, platform.variable("AGENTSERVER_URL"), "nobody");
        HttpResponse<String> description = stranger.get("/openapi.json");
        assertThat(description.statusCode()).as(description.body()).isEqualTo(200);
        assertThat(Client.json(description).path("paths").propertyNames())
                .contains("/v1/messages", "/admin/v1/tenants/{id}")
                .allMatch(path -> path.matches("/(v1|admin/v1|docs|healthz|openapi\\.json|\\.well-known)(/.*)?"))
                .doesNotContain("/v1/chat/completions");
        assertThat(stranger.get("/docs").body()).contains("<code>/v1/messages</code>");
        for (String service : List.of("AGENTSERVER_LLM_URL", "AGENTSERVER_CONSOLE_URL")) {
            Client other = new Client(http, platform.variable(service).replaceFirst("/console$", ""), "nobody");
            for (String path : List.of("/openapi.json", "/docs", "/v3/api-docs")) {
                assertThat(other.get(path).statusCode()).as(service + path).isIn(401, 404);
            }
        }
    }

    @Test
    void an_org_s_own_signature_is_enough() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "signing-org");
        assertThat(org.putOrganism(echo("parrot-7", "Squawk")).statusCode()).isEqualTo(200);
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        byte[] encoded = pair.getPublic().getEncoded();
        String x = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length));
        HttpResponse<String> registered = org.post(
                "/v1/signing-keys",
                "application/json",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"alg\":\"EdDSA\",\"x\":\"" + x + "\"}",
                Map.of());
        assertThat(registered.statusCode()).as(registered.body()).isEqualTo(201);
        Envelope signed = new EnvelopeToken(Clock.systemUTC())
                .signAsOrg(
                        document("captain", "parrot-7", "<Squawk><Text>ahoy</Text></Squawk>"),
                        new TenantId("signing-org"),
                        new SigningKey("k1", JwsAlgorithm.EdDSA, pair.getPrivate()));
        Client anonymous = new Client(http, org.url(), "");
        HttpResponse<String> answer = anonymous.sendXml(signed.xml(), WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(EnvelopeDocument.readOwn(answer.body()).payload()).isEqualTo("<Squawk><Text>ahoy</Text></Squawk>");
        HttpResponse<String> forged = anonymous.sendXml(signed.xml().replace("ahoy", "aho1"), WAIT);
        assertThat(forged.statusCode()).isEqualTo(401);
    }

    @Test
    void the_history_stands_in_the_log_in_redis_and_in_dynamodb() throws Exception {
        HttpResponse<String> answer = demo.sendXml(greeting().replace("World", "Canary-4711"), WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        String conversation = EnvelopeDocument.readOwn(answer.body())
                .meta()
                .conversationOrThread()
                .toString();
        try (StoreViews stores = new StoreViews(platform)) {
            assertThat(stores.recordsOf("messages.demo", "Canary-4711")).isEqualTo(2);
            assertThat(stores.redis("thread:demo:{" + conversation + "}:*")).contains("Canary-4711", "ShoutedResponse");
            assertThat(stores.dynamo("threads", "demo#" + conversation)).contains("Canary-4711", "ShoutedResponse");
        }
    }

    @Test
    void slots_usage_ledger_and_balances_agree() throws IOException {
        assertThat(demo.sendXml(greeting(), WAIT).statusCode()).isEqualTo(200);

        Child.Ended reconciled = platform.reconcile();

        assertThat(reconciled.output())
                .containsPattern("slots: [1-9][0-9]* receipts")
                .containsPattern("usage records: [1-9]")
                .endsWith("difference: 0");
        assertThat(reconciled.exit()).as(reconciled.output()).isZero();
    }

    @Test
    void a_call_s_usage_is_in_the_ledger() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "usage-org");
        assertThat(org.putOrganism(Files.readString(Path.of("../../examples/hello-world/organism.yaml")))
                        .statusCode())
                .isEqualTo(200);
        assertThat(org.sendXml(greeting(), WAIT).statusCode()).isEqualTo(200);
        Awaitility.await().atMost(Duration.ofSeconds(15)).untilAsserted(() -> {
            HttpResponse<String> usage = org.get("/v1/usage");
            assertThat(usage.statusCode()).as(usage.body()).isEqualTo(200);
            JsonNode rows = Client.json(usage).path("data");
            assertThat(rows).hasSize(1);
            assertThat(rows.get(0).path("listener").stringValue()).isEqualTo("greeter");
            assertThat(rows.get(0).path("calls").intValue()).isEqualTo(1);
            assertThat(rows.get(0).path("price_microusd").longValue()).isPositive();
        });
    }

    @Test
    void a_tenant_without_credit_gets_402_everywhere_until_it_has_some_again() {
        Client org = Client.ofNewTenant(http, platform, "poor-org");
        Client operator = new Client(http, org.url(), platform.variable("AGENTSERVER_ADMIN_KEY"));
        Client router = new Client(http, platform.variable("AGENTSERVER_LLM_URL"), org.key());
        assertThat(org.putOrganism(echo("penny", "Coin")).statusCode()).isEqualTo(200);
        long starting = Plan.DEV.startingCreditMicrousd();
        Awaitility.await().until(() -> chat(router).statusCode() == 200);
        assertThat(credit(operator, 100 - starting, "k1").statusCode()).isEqualTo(200);
        assertThat(credit(operator, 100 - starting, "k1").statusCode()).isEqualTo(200); // posted once
        assertThat(credit(operator, 7, "k1").statusCode()).isEqualTo(422);
        // it is counted as it was held: a short answer; and costs more, for the simulated model knows no max_tokens
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .until(() -> chat(router).statusCode() == 402);
        Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> coin(org).statusCode() == 402);
        assertThat(coin(org).body()).contains("credit-exhausted");
        assertThat(chat(router).body()).contains("credit_exhausted");
        assertThat(credit(operator, 1_000_000, "k2").statusCode()).isEqualTo(200);
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .until(() -> chat(router).statusCode() == 200);
        Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> coin(org).statusCode() == 200);
    }

    private static HttpResponse<String> credit(Client operator, long amount, String key) {
        return operator.post(
                "/admin/v1/tenants/poor-org/credit",
                "application/json",
                "{\"amount_microusd\":" + amount + ",\"reason\":\"a test\"}",
                Map.of("Idempotency-Key", key));
    }

    private static HttpResponse<String> chat(Client router) {
        return router.post(
                "/v1/chat/completions",
                "application/json",
                "{\"model\":\"simulated/default\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\""
                        + "All the pennies. ".repeat(20) + "\"}]}",
                Map.of());
    }

    private static HttpResponse<String> coin(Client org) {
        return org.sendXml(
                document("me", "penny", "<Coin><Text>one</Text></Coin>")
                        .toEnvelope()
                        .xml(),
                WAIT);
    }

    @Test
    void one_trace_id_goes_from_the_client_to_the_model() {
        Client org = Client.ofNewTenant(http, platform, "traced-org");
        assertThat(org.putOrganism(asker("asker", "Ask")).statusCode()).isEqualTo(200);
        String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        HttpResponse<String> answer = org.sendXml(
                document("me", "asker", "<Ask><Text>ping</Text></Ask>")
                        .toEnvelope()
                        .xml(),
                Map.of("Prefer", "wait=30", "traceparent", "00-" + trace + "-00f067aa0ba902b7-01"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).contains("pong");
        assertThat(model.calls()).anySatisfy(call -> {
            assertThat(call.traceparent()).contains(trace);
            assertThat(call.authorization()).isEqualTo("Bearer k-123");
        });
    }

    @Test
    void a_tenant_s_own_key_of_a_provider_serves_its_calls_alone_and_stands_nowhere_in_the_clear() {
        String key = "sk-own-5f0c2d9b77e1";
        Client org = Client.ofNewTenant(http, platform, "own-key-org");
        Client other = Client.ofNewTenant(http, platform, "other-key-org");
        awaitKey(org, "Bearer k-123");

        HttpResponse<String> put = org.put("/v1/provider-keys/fake", "{\"key\":\"" + key + "\"}");

        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
        assertThat(put.body()).contains("77e1").doesNotContain(key);
        awaitKey(org, "Bearer " + key);
        assertThat(Client.json(ping(org)).path("agentserver").path("own_key").booleanValue())
                .isTrue();
        awaitKey(other, "Bearer k-123");
        assertThat(org.get("/v1/provider-keys").body()).contains("fake").doesNotContain(key);
        try (StoreViews stores = new StoreViews(platform)) {
            assertThat(stores.recordsOf("tenants", "77e1")).isPositive();
            assertThat(stores.recordsOf("tenants", key)).isZero();
            assertThat(stores.recordsOf("usage", key)).isZero();
        }

        assertThat(org.delete("/v1/provider-keys/fake").statusCode()).isEqualTo(204);
        awaitKey(org, "Bearer k-123");
    }

    /** Until the model is asked for this tenant under that key. */
    private void awaitKey(Client org, String authorization) {
        Awaitility.await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
            HttpResponse<String> answer = ping(org);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(model.calls().getLast().authorization()).isEqualTo(authorization);
        });
    }

    /** Never the same twice, so that no cache answers. */
    private HttpResponse<String> ping(Client org) {
        return new Client(http, platform.variable("AGENTSERVER_LLM_URL"), org.key())
                .post(
                        "/v1/chat/completions",
                        "application/json",
                        "{\"model\":\"fake/m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + MessageId.create()
                                + "\"}]}",
                        Map.of());
    }

    @Test
    void what_was_accepted_is_answered_after_everything_was_killed() {
        Client org = Client.ofNewTenant(http, platform, "killed-org");
        assertThat(org.putOrganism(asker("thinker", "Riddle")).statusCode()).isEqualTo(200);
        int before = model.calls().size();
        model.hold();
        List<String> threads = new ArrayList<>();
        try {
            for (int i = 0; i < 5; i++) {
                HttpResponse<String> accepted = org.post(
                        "/v1/messages",
                        "application/json",
                        "{\"to\":\"thinker\",\"payload\":{\"Riddle\":{\"Text\":\"r" + i + "\"}}}",
                        Map.of());
                assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
                threads.add(Client.json(accepted).path("thread_id").stringValue());
            }
            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> model.calls().size() > before);
            platform.kill();
        } finally {
            model.release();
        }
        platform.restart();
        for (String thread : threads) {
            List<Client.Event> events = org.events(thread, Map.of());
            assertThat(events)
                    .extracting(e -> e.json().path("root").stringValue())
                    .containsExactly("Riddle", "answer");
        }
    }

    @Test
    void a_timer_rings_once_at_its_time_although_everything_was_killed_meanwhile() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "timer-org");
        assertThat(org.putOrganism("""
                        organism: {name: test}
                        listeners:
                          - name: alarm
                            description: Rings.
                            handler: builtin:timer
                            payload: {root: Alarm, fields: {After: string, Text: string}}
                            response: {root: Ring, fields: {Text: string}}
                        """).statusCode()).isEqualTo(200);
        HttpResponse<String> soon = org.post(
                "/v1/messages",
                "application/json",
                "{\"payload\":{\"Alarm\":{\"After\":\"1s\",\"Text\":\"soon\"}}}",
                WAIT);
        assertThat(soon.statusCode()).as(soon.body()).isEqualTo(200);
        assertThat(soon.body()).contains("\"Ring\"", "soon");
        assertThat(between(slots(org, Client.json(soon).path("thread").stringValue())))
                .as("1 s, and how late it may be")
                .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(4));

        HttpResponse<String> accepted = org.post(
                "/v1/messages",
                "application/json",
                "{\"payload\":{\"Alarm\":{\"After\":\"5s\",\"Text\":\"later\"}}}",
                Map.of());
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        String thread = Client.json(accepted).path("thread_id").stringValue();
        try (StoreViews stores = new StoreViews(platform)) {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> stores.dynamo("due").contains(thread));
        }
        platform.kill();
        platform.restart();
        List<Client.Event> events = org.events(thread, Map.of());
        assertThat(events).extracting(e -> e.json().path("root").stringValue()).containsExactly("Alarm", "Ring");
        assertThat(between(slots(org, thread))).isGreaterThanOrEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void an_answer_that_comes_later_is_waited_for_and_kept_although_everything_was_killed_meanwhile() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "late-org");
        Client service = new Client(http, org.url(), "");
        try (LateService late = LateService.start(_ -> {})) {
            assertThat(org.putOrganism(late.organism("")).statusCode()).isEqualTo(200);
            String waiting = ask(org, "while it sleeps");
            String token = late.token();
            try (StoreViews stores = new StoreViews(platform)) {
                Awaitility.await()
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> stores.dynamo("due").contains(waiting));
            }
            String taken = ask(org, "killed as soon as it is taken");
            assertThat(respond(service, late.token(), LateService.decision("yes"))
                            .statusCode())
                    .isEqualTo(202);
            platform.kill();
            platform.restart();
            assertThat(roots(org.events(taken, Map.of()))).containsExactly("Ask", "Decision");

            assertThat(respond(service, token, LateService.decision("yes")).statusCode())
                    .isEqualTo(202);
            assertThat(roots(org.events(waiting, Map.of()))).containsExactly("Ask", "Decision");
            assertThat(respond(service, token, LateService.decision("yes")).statusCode())
                    .as("the same once more")
                    .isEqualTo(202);
            assertThat(respond(service, token, LateService.decision("no")).statusCode())
                    .isEqualTo(409);
            assertThat(slots(org, waiting)).hasSize(2);
        }
    }

    @Test
    void an_answer_that_is_faster_than_its_202_and_one_that_comes_too_late() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "fast-org");
        Client service = new Client(http, org.url(), "");
        List<Integer> statuses = new CopyOnWriteArrayList<>();
        try (LateService fast = LateService.start(token -> statuses.add(
                        respond(service, token, LateService.decision("yes")).statusCode()));
                LateService late = LateService.start(_ -> {})) {
            assertThat(org.putOrganism(fast.organism("")).statusCode()).isEqualTo(200);
            for (int i = 0; i < 5; i++) {
                HttpResponse<String> answer =
                        org.post("/v1/messages", "application/json", "{\"payload\":{\"Ask\":{\"Text\":\"x\"}}}", WAIT);
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
                assertThat(answer.body()).contains("Decision", "yes");
            }
            assertThat(statuses).hasSize(5).containsOnly(202);

            assertThat(org.putOrganism(late.organism("    timeout: 2s\n")).statusCode())
                    .isEqualTo(200);
            HttpResponse<String> over =
                    org.post("/v1/messages", "application/json", "{\"payload\":{\"Ask\":{\"Text\":\"x\"}}}", WAIT);
            assertThat(over.body()).contains("SystemError", "timeout");
            assertThat(respond(service, late.token(), LateService.decision("yes"))
                            .statusCode())
                    .as("after its time")
                    .isEqualTo(410);

            assertThat(org.putOrganism(late.organism("")).statusCode()).isEqualTo(200);
            String cancelled = ask(org, "cancelled");
            String token = late.token();
            assertThat(org.post("/v1/threads/" + cancelled + "/cancel", "application/json", "", Map.of())
                            .statusCode())
                    .isEqualTo(200);
            assertThat(respond(service, token, LateService.decision("yes")).statusCode())
                    .as("after the client's cancel")
                    .isEqualTo(410);
            assertThat(respond(service, token.replaceFirst(".$", ""), "").statusCode())
                    .as("no token")
                    .isEqualTo(404);
        }
    }

    private static String ask(Client org, String text) {
        HttpResponse<String> accepted = org.post(
                "/v1/messages", "application/json", "{\"payload\":{\"Ask\":{\"Text\":\"" + text + "\"}}}", Map.of());
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        return Client.json(accepted).path("thread_id").stringValue();
    }

    private static HttpResponse<String> respond(Client service, String token, String answer) {
        return service.post("/v1/respond/" + token, "application/xml", answer, Map.of());
    }

    private static List<String> roots(List<Client.Event> events) {
        return events.stream()
                .map(event -> event.json().path("root").stringValue())
                .toList();
    }

    @Test
    void a_cancelled_conversation_ends_the_call_that_runs_and_goes_on_with_its_next_message() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "cancel-org");
        try (ServerSocket service = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            service.setSoTimeout(30_000);
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: worker
                                description: Never answers.
                                handler: http
                                url: http://127.0.0.1:%d/
                                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                                payload: {root: Work, fields: {Text: string}}
                              - name: mirror
                                description: Says it again.
                                handler: builtin:echo
                                payload: {root: Face, fields: {Text: string}}
                            """.formatted(service.getLocalPort())).statusCode())
                    .isEqualTo(200);
            HttpResponse<String> accepted =
                    org.post("/v1/messages", "application/json", "{\"payload\":{\"Work\":{\"Text\":\"x\"}}}", Map.of());
            assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
            String thread = Client.json(accepted).path("thread_id").stringValue();
            try (Socket call = service.accept()) {
                call.setSoTimeout(15_000);
                assertThat(call.getInputStream().read()).isEqualTo('P');
                HttpResponse<String> cancelled =
                        org.post("/v1/threads/" + thread + "/cancel", "application/json", "", Map.of());
                assertThat(cancelled.statusCode()).as(cancelled.body()).isEqualTo(200);
                assertThat(Client.json(cancelled).path("state").stringValue()).isEqualTo("cancelled");
                assertThat(call.getInputStream().readAllBytes())
                        .as("until the caller hangs up")
                        .isNotEmpty();
            }
            HttpResponse<String> next = org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"thread_id\":\"" + thread + "\",\"payload\":{\"Face\":{\"Text\":\"y\"}}}",
                    WAIT);
            assertThat(next.statusCode()).as(next.body()).isEqualTo(200);
            assertThat(slots(org, thread))
                    .extracting(s -> s.path("root").stringValue())
                    .containsExactly("Work", "Face", "Face");
        }
    }

    @Test
    void an_erased_conversation_is_gone_from_the_stores_and_what_comes_late_has_no_effect() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "erase-org");
        try (ServerSocket service = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                StoreViews stores = new StoreViews(platform)) {
            service.setSoTimeout(30_000);
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: worker
                                description: Never answers.
                                handler: http
                                url: http://127.0.0.1:%d/
                                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                                payload: {root: Work, fields: {Text: string}}
                            """.formatted(service.getLocalPort())).statusCode())
                    .isEqualTo(200);
            HttpResponse<String> accepted = org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"payload\":{\"Work\":{\"Text\":\"Canary-0815\"}}}",
                    Map.of());
            assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
            String thread = Client.json(accepted).path("thread_id").stringValue();
            String list = "thread:erase-org:{" + thread + "}:*";
            try (Socket call = service.accept()) {
                call.setSoTimeout(15_000);
                assertThat(call.getInputStream().read()).isEqualTo('P');
                assertThat(stores.redis(list)).contains("Canary-0815");
                assertThat(stores.dynamo("threads", "erase-org#" + thread)).contains("Canary-0815");
                assertThat(org.delete("/v1/threads/" + thread).statusCode()).isEqualTo(204);
                assertThat(call.getInputStream().readAllBytes())
                        .as("until the caller hangs up")
                        .isNotEmpty();
            }
            HttpResponse<String> late = org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"thread_id\":\"" + thread + "\",\"payload\":{\"Work\":{\"Text\":\"Canary-0815\"}}}",
                    WAIT);
            assertThat(late.statusCode()).as("it ends without a response").isEqualTo(204);
            assertThat(stores.redis(list)).doesNotContain("Canary-0815", "Work");
            assertThat(stores.dynamo("threads", "erase-org#" + thread)).doesNotContain("Canary-0815", "Work");
            for (String path : List.of("", "/messages", "/events")) {
                assertThat(org.get("/v1/threads/" + thread + path).statusCode())
                        .as(path)
                        .isEqualTo(404);
            }
            assertThat(Client.json(org.get("/v1/threads")).path("data")).isEmpty();
            assertThat(org.delete("/v1/threads/" + thread).statusCode())
                    .as("again")
                    .isEqualTo(204);
        }
    }

    @Test
    void a_dead_letter_is_listed_read_and_answered_when_it_is_redriven_after_the_cause_is_gone() throws IOException {
        Client org = Client.ofNewTenant(http, platform, "letters-org");
        AtomicBoolean mended = new AtomicBoolean();
        HttpServer service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        service.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            byte[] body = "<Done><Text>done</Text></Done>".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(mended.get() ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        service.start();
        try {
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: worker
                                description: Works when it is well.
                                handler: http
                                url: http://127.0.0.1:%d/
                                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                                retries: 1
                                payload: {root: Work, fields: {Text: string}}
                                response: {root: Done, fields: {Text: string}}
                            """.formatted(service.getAddress().getPort()))
                            .statusCode())
                    .isEqualTo(200);
            HttpResponse<String> failed =
                    org.post("/v1/messages", "application/json", "{\"payload\":{\"Work\":{\"Text\":\"x\"}}}", WAIT);
            assertThat(failed.body()).contains("SystemError");
            JsonNode letter =
                    Client.json(org.get("/v1/dead-letters")).path("data").path(0);
            assertThat(letter.path("reason").stringValue()).contains("503");
            assertThat(letter.path("attempts").intValue()).isEqualTo(2);
            String path = "/v1/dead-letters/" + letter.path("id").stringValue();
            assertThat(Client.json(org.get(path)).path("envelope").stringValue())
                    .contains("<Text>x</Text>");
            assertThat(demo.get(path).statusCode())
                    .as("another tenant's letter")
                    .isEqualTo(404);

            mended.set(true);
            HttpResponse<String> redriven = org.post(path + "/redrive", "application/json", "", Map.of());
            assertThat(redriven.statusCode()).as(redriven.body()).isEqualTo(202);
            assertThat(org.post(path + "/redrive", "application/json", "", Map.of())
                            .body())
                    .as("once more")
                    .isEqualTo(redriven.body());
            String thread = Client.json(redriven).path("thread_id").stringValue();
            assertThat(thread).isEqualTo(letter.path("thread_id").stringValue());
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(slots(org, thread))
                            .extracting(s -> s.path("root").stringValue())
                            .containsExactly("Work", "SystemError", "Work", "Done"));
        } finally {
            service.stop(0);
        }
    }

    private static Duration between(List<JsonNode> slots) {
        return Duration.between(
                Instant.parse(slots.get(0).path("at").stringValue()),
                Instant.parse(slots.get(1).path("at").stringValue()));
    }

    @Test
    void an_agent_reaches_its_peers_and_nobody_else() throws IOException {
        Client org = Client.ofNewTenant(http, platform, "peers-org");
        String task = "{\"payload\":{\"Task\":{\"Text\":\"x\"}}}";
        String question = "{\"payload\":{\"Ask\":{\"Text\":\"x\"}}}";
        try (ClerkService clerk = ClerkService.start()) {
            for (String peers : List.of("", "[talker]")) {
                assertThat(org.putOrganism(clerk.organism(peers, "thief/m")).statusCode())
                        .isEqualTo(200);
                clerk.calls("vault");
                List<JsonNode> refused = answered(org, task);
                assertThat(refused).extracting(EndToEndContract::root).containsExactly("Task", "SystemError");
                assertThat(payload(refused.getLast())).contains("<code>routing</code>");
                clerk.calls("no-such-listener");
                assertThat(payload(answered(org, task).getLast()))
                        .as("not allowed and unknown, in the same words")
                        .isEqualTo(payload(refused.getLast()));

                List<JsonNode> said = answered(org, question);
                assertThat(said).extracting(EndToEndContract::root).containsExactly("Ask", "answer");
                assertThat(payload(said.getLast())).as("it is mere text").contains("&lt;Secret&gt;");
            }
            assertThat(org.putOrganism(clerk.organism("[vault]", "thief/m")).statusCode())
                    .isEqualTo(200);
            clerk.calls("vault");
            assertThat(answered(org, task))
                    .extracting(EndToEndContract::root)
                    .containsExactly("Task", "Secret", "Secret", "Done");
            assertThat(answered(org, question))
                    .as("it asks again and again, until its hops are used up")
                    .extracting(EndToEndContract::root)
                    .startsWith("Ask", "Secret", "Secret")
                    .endsWith("SystemError");
        }
    }

    /** Taken while its turn had to wait, and for an organism that was another one when it began. */
    @Test
    void a_payload_that_the_turn_s_organism_no_longer_takes_is_answered_with_huh() throws Exception {
        Client org = Client.ofNewTenant(http, platform, "huh-org");
        String mirror = """
              - name: mirror
                description: Says it again.
                handler: builtin:echo
                payload: {root: Face, fields: {%s}}
            """;
        try (LateService late = LateService.start(_ -> {})) {
            assertThat(org.putOrganism(late.organism("") + mirror.formatted("Text: string"))
                            .statusCode())
                    .isEqualTo(200);
            String thread = ask(org, "it keeps the turn open");
            String token = late.token();
            HttpResponse<String> waiting = org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"thread_id\":\"" + thread + "\",\"payload\":{\"Face\":{\"Text\":\"y\"}}}",
                    Map.of());
            assertThat(waiting.statusCode()).as(waiting.body()).isEqualTo(202);
            Awaitility.await().until(() -> slots(org, thread).size() == 2);
            assertThat(org.putOrganism(late.organism("") + mirror.formatted("Count: int"))
                            .statusCode())
                    .isEqualTo(200);
            Awaitility.await()
                    .until(() -> org.post(
                                    "/v1/messages", "application/json", "{\"payload\":{\"Face\":{\"Count\":1}}}", WAIT)
                            .body()
                            .contains("\"root\":\"Face\"")); // the pump has it too

            assertThat(respond(new Client(http, org.url(), ""), token, LateService.decision("yes"))
                            .statusCode())
                    .isEqualTo(202);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(slots(org, thread))
                            .extracting(EndToEndContract::root)
                            .containsExactly("Ask", "Face", "Decision", "huh"));
            JsonNode answer = slots(org, thread).getLast();
            assertThat(answer.path("from").stringValue()).isEqualTo("core");
            assertThat(payload(answer))
                    .as("neither what was wrong nor what would be right")
                    .isEqualTo(
                            "<huh xmlns=\"https://xml-pipeline.org/ns/core/v1\"><error>the payload is not valid for its"
                                    + " receiver</error><original-attempt>"
                                    + Base64.getEncoder()
                                            .encodeToString(
                                                    "<Face><Text>y</Text></Face>".getBytes(StandardCharsets.UTF_8))
                                    + "</original-attempt></huh>");
        }
    }

    @Test
    void what_a_listener_forwards_and_its_peer_does_not_take_is_answered_by_core_and_not_sent() throws IOException {
        Client org = Client.ofNewTenant(http, platform, "unfit-org");
        HttpServer service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        service.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            byte[] body = "<Secret to=\"vault\"><Wrong>x</Wrong></Secret>".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        service.start();
        try {
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: clerk
                                description: Forwards what nobody takes.
                                handler: http
                                url: http://127.0.0.1:%d/
                                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                                payload: {root: Task, fields: {Text: string}}
                                peers: [vault]
                              - name: vault
                                description: Opens.
                                handler: builtin:echo
                                payload: {root: Secret, fields: {Text: string}}
                            """.formatted(service.getAddress().getPort()))
                            .statusCode())
                    .isEqualTo(200);
            List<JsonNode> slots = answered(org, "{\"payload\":{\"Task\":{\"Text\":\"x\"}}}");
            assertThat(slots).extracting(EndToEndContract::root).containsExactly("Task", "SystemError");
            assertThat(slots.getLast().path("from").stringValue()).isEqualTo("core");
            assertThat(payload(slots.getLast()))
                    .as("neither what was wrong nor what would be right")
                    .isEqualTo(
                            "<SystemError><code>validation</code><message>an output is not valid for its receiver</message>"
                                    + "<retry-allowed>false</retry-allowed></SystemError>");
        } finally {
            service.stop(0);
        }
    }

    /** The slots of a new conversation when its turn has ended. */
    private static List<JsonNode> answered(Client org, String message) {
        HttpResponse<String> answer = org.post("/v1/messages", "application/json", message, WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return slots(org, Client.json(answer).path("thread").stringValue());
    }

    private static String root(JsonNode slot) {
        return slot.path("root").stringValue();
    }

    private static String payload(JsonNode slot) {
        return EnvelopeDocument.readOwn(slot.path("envelope").stringValue()).payload();
    }

    @Test
    void an_agent_joins_what_its_tools_and_its_sub_agent_answer_in_parallel() throws IOException {
        Client org = Client.ofNewTenant(http, platform, "research-org");
        HttpResponse<String> put =
                org.putOrganism(Files.readString(Path.of("../../examples/research-team/organism.yaml")));
        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
        HttpResponse<String> answer =
                org.sendXml(Files.readString(Path.of("../../examples/research-team/question.xml")), WAIT);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        String conversation = EnvelopeDocument.readOwn(answer.body())
                .meta()
                .conversationOrThread()
                .toString();
        JsonNode tree = Client.json(org.get("/v1/threads/" + conversation)).path("threads");
        assertThat(tree.size()).isGreaterThanOrEqualTo(4);
        List<JsonNode> slots = slots(org, conversation);
        assertThat(slots.getLast().path("thread").stringValue()).isEqualTo(conversation);
    }

    @Test
    void a_listener_of_the_tenant_s_own_answers_what_the_platform_signed(@TempDir Path logs) throws Exception {
        String yaml = Files.readString(Path.of("../../examples/own-service/organism.yaml"));
        String text = Files.readString(Path.of("../../examples/own-service/text.xml"));
        try (ExampleServer server = example("own-service", logs)) {
            assertThat(server.statusOfUnsigned(http, text)).isEqualTo(401);
            Client org = Client.ofNewTenant(http, platform, "own-service-org");
            assertThat(yaml).contains("http://127.0.0.1:9900/");
            HttpResponse<String> put = org.putOrganism(yaml.replace("http://127.0.0.1:9900/", server.url()));
            assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
            HttpResponse<String> answer = org.sendXml(text, WAIT);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            Envelope response = EnvelopeDocument.readOwn(answer.body());
            assertThat(response.meta().from()).isEqualTo("counter");
            assertThat(response.payload())
                    .as(Files.readString(server.log()))
                    .isEqualTo("<WordCount><Words>4</Words></WordCount>");
        }
    }

    @Test
    void a_person_answers_with_the_command_that_the_example_prints(@TempDir Path logs) throws Exception {
        String yaml = Files.readString(Path.of("../../examples/approval/organism.yaml"));
        String payment = Files.readString(Path.of("../../examples/approval/payment.xml"));
        try (ExampleServer server = example("approval", logs)) {
            assertThat(server.statusOfUnsigned(http, payment)).isEqualTo(401);
            Client org = Client.ofNewTenant(http, platform, "approval-org");
            assertThat(yaml).contains("http://127.0.0.1:9901/");
            HttpResponse<String> put = org.putOrganism(yaml.replace("http://127.0.0.1:9901/", server.url()));
            assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
            HttpResponse<String> accepted = org.sendXml(payment, Map.of());
            assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
            String command = server.line("curl");
            String token = command.replaceFirst(".*/v1/respond/([^\"]*)\".*", "$1");
            String answer = command.replaceFirst(".* -d '(.*)'", "$1");
            assertThat(respond(new Client(http, org.url(), ""), token, answer).statusCode())
                    .as(command)
                    .isEqualTo(202);
            List<Client.Event> events =
                    org.events(Client.json(accepted).path("thread_id").stringValue(), Map.of());
            assertThat(roots(events)).containsExactly("Payment", "Decision");
        }
    }

    private static ExampleServer example(String name, Path logs) {
        Optional<ExampleServer> started = ExampleServer.start(name, logs.resolve(name + ".log"));
        if (started.isEmpty()) {
            assertThat(System.getenv("CI")).as("CI: python3 must be there").isNotEqualTo("true");
            Assumptions.abort("not run: examples/" + name + " needs python3, which is not on this machine");
        }
        return started.orElseThrow();
    }

    @Test
    void turns_of_one_conversation_run_one_after_the_other() {
        Client org = Client.ofNewTenant(http, platform, "turns-org");
        assertThat(org.putOrganism(echo("repeater", "Line")).statusCode()).isEqualTo(200);
        ThreadId thread = new ThreadId(MessageId.create().value());
        for (int i = 0; i < 10; i++) {
            HttpResponse<String> accepted = org.post(
                    "/v1/messages",
                    "application/json",
                    "{\"to\":\"repeater\",\"thread_id\":\"" + thread + "\",\"payload\":{\"Line\":{\"Text\":\"" + i
                            + "\"}}}",
                    Map.of());
            assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        }
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            List<JsonNode> slots = slots(org, thread.toString());
            assertThat(slots.stream()
                            .filter(s -> s.path("from").stringValue().equals("repeater"))
                            .map(s -> EnvelopeDocument.readOwn(
                                            s.path("envelope").stringValue())
                                    .payload()))
                    .containsExactlyElementsOf(java.util.stream.IntStream.range(0, 10)
                            .mapToObj(i -> "<Line><Text>" + i + "</Text></Line>")
                            .toList());
        });
    }

    @Test
    void the_same_id_again_is_the_same_message() {
        Client org = Client.ofNewTenant(http, platform, "repeat-org");
        assertThat(org.putOrganism(echo("mirror", "Face")).statusCode()).isEqualTo(200);
        String body = "{\"to\":\"mirror\",\"payload\":{\"Face\":{\"Text\":\"x\"}}}";
        Map<String, String> once = Map.of("Idempotency-Key", "k-1", "Prefer", "wait=30");
        HttpResponse<String> first = org.post("/v1/messages", "application/json", body, once);
        HttpResponse<String> second = org.post("/v1/messages", "application/json", body, once);
        assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
        assertThat(second.body()).isEqualTo(first.body());
        String thread = Client.json(first).path("thread").stringValue();
        assertThat(slots(org, thread)).hasSize(2);
        HttpResponse<String> other = org.post("/v1/messages", "application/json", body.replace("x", "y"), once);
        assertThat(other.statusCode()).as(other.body()).isEqualTo(422);
        assertThat(other.body()).contains("idempotency-mismatch");
    }

    @Test
    void another_tenant_s_thread_is_as_one_that_does_not_exist() throws Exception {
        HttpResponse<String> answer = demo.sendXml(greeting(), WAIT);
        String theirs = EnvelopeDocument.readOwn(answer.body())
                .meta()
                .conversationOrThread()
                .toString();
        Client stranger = Client.ofNewTenant(http, platform, "stranger-org");
        List<Future<HttpResponse<String>>> refused = new ArrayList<>();
        List<Future<HttpResponse<String>>> absent = new ArrayList<>();
        try (ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor()) { // each waits for a moment
            for (String call : List.of("", "/messages", "/events", "/cancel")) {
                refused.add(calls.submit(() -> threadCall(stranger, theirs, call)));
                absent.add(calls.submit(
                        () -> threadCall(stranger, MessageId.create().toString(), call)));
            }
        }
        for (int i = 0; i < refused.size(); i++) {
            assertThat(refused.get(i).get().statusCode()).isEqualTo(404);
            assertThat(absent.get(i).get().statusCode()).isEqualTo(404);
            assertThat(withoutRequestId(refused.get(i).get().body()))
                    .isEqualTo(withoutRequestId(absent.get(i).get().body()));
        }
        assertThat(stranger.get("/v1/threads").body()).doesNotContain(theirs);
        assertThat(Client.json(demo.get("/v1/threads/" + theirs)).path("state").stringValue())
                .as("not cancelled by a stranger")
                .isEqualTo("idle");
    }

    private static HttpResponse<String> threadCall(Client client, String thread, String call) {
        return call.equals("/cancel")
                ? client.post("/v1/threads/" + thread + call, "application/json", "", Map.of())
                : client.get("/v1/threads/" + thread + call);
    }

    @Test
    void a_client_s_message_with_a_sub_thread_s_id_enters_a_conversation_of_its_own() throws IOException {
        HttpResponse<String> first = demo.sendXml(greeting(), WAIT);
        String conversation = EnvelopeDocument.readOwn(first.body())
                .meta()
                .conversationOrThread()
                .toString();
        JsonNode before = Client.json(demo.get("/v1/threads/" + conversation));
        List<JsonNode> slots = slots(demo, conversation);
        String inside = slots.get(1).path("thread").stringValue();
        assertThat(inside).as("where the shouter was called").isNotEqualTo(conversation);

        HttpResponse<String> intruder = demo.sendXml(
                document("me", "greeter", "<Greeting><Name>Mallory</Name></Greeting>")
                        .toEnvelope()
                        .xml()
                        .replaceFirst("<thread>[^<]*", "<thread>" + inside),
                WAIT);

        assertThat(intruder.statusCode()).as(intruder.body()).isEqualTo(200);
        assertThat(slots(demo, conversation)).isEqualTo(slots);
        assertThat(Client.json(demo.get("/v1/threads/" + conversation))).isEqualTo(before);
        assertThat(slots(demo, inside))
                .extracting(s -> s.path("root").stringValue())
                .containsExactly("Greeting", "GreetingResponse", "ShoutedResponse");
        assertThat(slots(demo, inside).toString()).doesNotContain("World");
    }

    private static String withoutRequestId(String problem) {
        return problem.replaceAll("\"request_id\":\"[^\"]*\"", "");
    }

    private static List<JsonNode> slots(Client client, String thread) {
        HttpResponse<String> response = client.get("/v1/threads/" + thread + "/messages");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        List<JsonNode> slots = new ArrayList<>();
        Client.json(response).path("data").forEach(slots::add);
        return slots;
    }

    private static EnvelopeDocument document(String from, String to, String payload) {
        MessageId id = MessageId.create();
        Meta meta = new Meta(from, to, new ThreadId(MessageId.create().value()), id, null, null, null, null);
        return ((Reading.Read) EnvelopeDocument.make(meta, payload)).document();
    }

    private static String echo(String name, String root) {
        return """
                organism: {name: test}
                listeners:
                  - name: %s
                    description: Says it again.
                    handler: builtin:echo
                    payload: {root: %s, fields: {Text: string}}
                """.formatted(name, root);
    }

    private static String asker(String name, String root) {
        return """
                organism: {name: test}
                listeners:
                  - name: %s
                    description: Asks the model.
                    agent: true
                    handler: llm
                    prompt: Answer.
                    model: fake/m
                    payload: {root: %s, fields: {Text: string}}
                """.formatted(name, root);
    }

    private static String greeting() throws IOException {
        return Files.readString(Path.of("../../examples/hello-world/greeting.xml"));
    }
}
