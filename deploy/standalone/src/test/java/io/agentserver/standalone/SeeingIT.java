package io.agentserver.standalone;

import io.agentserver.standalone.MetricsPage.Metric;
import io.agentserver.standalone.OtlpReceiver.Received;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** What an operator sees of {@code ./agentserver dev} under a little load: metrics, dashboards, alert rules, traces. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SeeingIT {
    private static final Map<String, String> SERVICES =
            Map.of("gateway", "GATEWAY", "llm-router", "LLM", "buffer", "BUFFER", "pump", "PUMP", "billing", "BILLING");
    private static final String SAID =
            "<GreetingResponse><Message>Secretly said</Message><OriginalSender>me</OriginalSender></GreetingResponse>";
    private static final Map<String, String> WAIT = Map.of("Prefer", "wait=30");
    private static final Pattern SELECTOR = Pattern.compile("\\b(?:agentserver_[a-z_]+|up)\\{[^}]*}");

    private final HttpClient http = HttpClient.newHttpClient();
    private final CountDownLatch ended = new CountDownLatch(1);

    private FakeModel model;
    private OtlpReceiver traces;
    private AllInOne platform;
    private Client demo;
    private Path home;
    private Thread load;

    @BeforeAll
    void start(@TempDir Path directory) throws IOException {
        home = directory;
        model = FakeModel.start(SAID);
        traces = OtlpReceiver.start();
        Path routes = Files.writeString(home.resolve("routes.yaml"), """
                providers:
                  - {name: fake, url: "%s", key_env: FAKE_MODEL_KEY, price: {input: 1000000, output: 3000000}}
                  - {name: away, url: "http://127.0.0.1:1/v1", price: {input: 1000000, output: 3000000}}
                routes:
                  default: {chain: [fake/m1]}
                  second-choice: {chain: [away/m0, fake/m1]}
                  excuse: {chain: [away/m0], stub: Not now.}
                """.formatted(model.url()));
        platform = AllInOne.start(
                home,
                Map.of(
                        "AGENTSERVER_LLM_ROUTES",
                        routes.toString(),
                        "FAKE_MODEL_KEY",
                        "sk-canary-1",
                        "AGENTSERVER_OTLP_ENDPOINT",
                        traces.url(),
                        "OTEL_BSP_SCHEDULE_DELAY",
                        "200",
                        // one that is away: what a backup tells is there all the same
                        "AGENTSERVER_BACKUP_BUCKET",
                        "away",
                        "AGENTSERVER_S3_URL",
                        "http://127.0.0.1:1"));
        demo = new Client(http, platform.variable("AGENTSERVER_URL"), platform.variable("AGENTSERVER_API_KEY"));
        HttpResponse<String> limited = new Client(http, demo.url(), platform.variable("AGENTSERVER_ADMIN_KEY"))
                .patch("/admin/v1/tenants/demo", "{\"llm_limits\":{\"requests_per_minute\":1,\"shadow\":true}}");
        assertThat(limited.statusCode()).as(limited.body()).isEqualTo(200);
        load = Thread.ofVirtual().start(this::load);
    }

    @AfterAll
    void stop() throws InterruptedException {
        ended.countDown();
        if (load != null) {
            load.join();
        }
        if (platform != null) {
            platform.close();
        }
        traces.close();
        model.close();
        http.close();
    }

    /** Until the end of the test: answered (from the cache, but for the first), answered by another, by a stub, refused; over a limit that refuses nothing. */
    private void load() {
        Client router = new Client(http, platform.variable("AGENTSERVER_LLM_URL"), demo.key());
        while (!isEnded()) {
            demo.sendXml(greeting("World"), WAIT);
            chat(router, "second-choice");
            chat(router, "excuse");
            demo.get("/v1/threads/0199c0de-7a11-7000-8000-000000000001");
        }
    }

    /** Five rounds a second are a little. */
    private boolean isEnded() {
        try {
            return ended.await(200, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }

    @Test
    void docs_metrics_md_has_what_is_exported_and_nothing_else() throws IOException {
        Map<String, Metric> documented = MetricsPage.documented();
        assertThat(documented).hasSizeGreaterThan(20);

        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            Map<String, Metric> exported = new TreeMap<>();
            SERVICES.forEach((service, prefix) -> MetricsPage.add(service, scrape(prefix), exported));
            assertThat(exported).isEqualTo(documented);
        });
    }

    @Test
    void every_panel_and_every_alert_has_something_to_go_by() throws IOException {
        Map<String, Integer> targets = new HashMap<>();
        SERVICES.forEach((service, prefix) -> targets.put(service, platform.managementPort(prefix)));
        try (Prometheus prometheus = Prometheus.start(home, targets)) {
            Map<String, String> queries = Dashboards.queries();
            assertThat(queries).hasSizeGreaterThan(50);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(40))
                    .pollInterval(Duration.ofSeconds(1))
                    .untilAsserted(() -> assertThat(queries.entrySet().stream()
                                    .filter(query ->
                                            prometheus.values(query.getValue()).isEmpty()))
                            .as("panels without an answer")
                            .isEmpty());

            List<JsonNode> rules = prometheus.alertRules();
            assertThat(rules).hasSizeGreaterThan(5).allSatisfy(rule -> {
                assertThat(rule.path("health").stringValue())
                        .as(rule.toString())
                        .isEqualTo("ok");
                List<String> selectors = SELECTOR.matcher(rule.path("query").stringValue())
                        .results()
                        .map(match -> match.group())
                        .toList();
                assertThat(selectors)
                        .as(rule.path("name").stringValue())
                        .isNotEmpty()
                        .allSatisfy(selector -> assertThat(prometheus.values(selector))
                                .as(selector)
                                .isNotEmpty());
            });
            assertThat(rules.stream()
                            .filter(rule -> rule.path("state").stringValue().equals("firing")))
                    .isEmpty();
        }
    }

    @Test
    void dashboards_are_whole() throws IOException {
        assertThat(Dashboards.files()).hasSize(3);
        for (Path file : Dashboards.files()) {
            JsonNode dashboard = Dashboards.read(file);
            assertThat(dashboard.path("uid").asString("")).startsWith("agentserver-");
            assertThat(dashboard.has("id")).as("an id is one Grafana's own").isFalse();
            for (JsonNode panel : dashboard.path("panels")) {
                if (!panel.path("type").asString("").equals("row")) {
                    assertThat(panel.path("description").asString(""))
                            .as(file.getFileName() + ": " + panel.path("title"))
                            .isNotBlank();
                    assertThat(panel.at("/fieldConfig/defaults/unit").asString(""))
                            .isNotBlank();
                    assertThat(panel.at("/datasource/uid").asString("")).isEqualTo("${datasource}");
                }
            }
        }
    }

    @Test
    void one_trace_leads_from_the_client_through_both_handlers_to_the_provider() {
        String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        String client = "00f067aa0ba902b7";
        HttpResponse<String> answer = demo.sendXml(
                greeting("Canary-4711"),
                Map.of("Prefer", "wait=30", "traceparent", "00-" + trace + "-" + client + "-01"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);

        List<Received> spans = new ArrayList<>();
        Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            spans.clear();
            spans.addAll(traces.ofTrace(trace));
            assertThat(named(spans, "process messages.{tenant}")).hasSize(2);
            assertThat(named(spans, "handle llm")).hasSize(1);
            assertThat(named(spans, "handle builtin")).hasSize(1);
            assertThat(named(spans, "agentserver.buffer.v1.Buffer/Complete")).hasSizeGreaterThanOrEqualTo(2);
            assertThat(named(spans, "chat m1")).hasSize(1);
            assertThat(named(spans, "http post /v1/messages")).hasSize(1);
            assertThat(named(spans, "http post /v1/chat/completions")).hasSize(1);
        });
        assertThat(spans)
                .extracting(Received::service)
                .contains("agentserver-gateway", "agentserver-pump", "agentserver-buffer", "agentserver-llm-router");
        List<String> ids = new ArrayList<>(spans.stream().map(Received::id).toList());
        ids.add(client);
        assertThat(spans)
                .as("one connected trace")
                .allSatisfy(span -> assertThat(ids).contains(span.parent()));

        Received admitted = named(spans, "http post /v1/messages").getFirst();
        List<Received> handled = named(spans, "process messages.{tenant}");
        assertThat(admitted.parent()).isEqualTo(client);
        assertThat(handled).extracting(Received::kind).containsOnly(SpanKind.SPAN_KIND_CONSUMER);
        assertThat(handled).extracting(Received::parent).contains(admitted.id());
        String conversation = admitted.attribute("agentserver.conversation");
        assertThat(conversation).isNotEmpty();
        assertThat(spans).allSatisfy(span -> {
            assertThat(span.attribute("agentserver.tenant")).as(span.toString()).isEqualTo("demo");
            assertThat(span.attribute("agentserver.conversation"))
                    .as(span.toString())
                    .isEqualTo(conversation);
        });
        assertThat(handled)
                .extracting(span -> span.attribute("agentserver.thread"))
                .doesNotHaveDuplicates();

        Received call = named(spans, "chat m1").getFirst();
        assertThat(call.kind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
        assertThat(call.parent())
                .isEqualTo(named(spans, "http post /v1/chat/completions")
                        .getFirst()
                        .id());
        assertThat(call.attributes())
                .containsEntry("gen_ai.operation.name", "chat")
                .containsEntry("gen_ai.provider.name", "fake")
                .containsEntry("gen_ai.request.model", "m1")
                .containsEntry("gen_ai.response.model", "m")
                .containsEntry("gen_ai.response.finish_reasons", "stop")
                .containsEntry("gen_ai.usage.input_tokens", "11")
                .containsEntry("gen_ai.usage.output_tokens", "3")
                .containsEntry("gen_ai.conversation.id", conversation)
                .containsEntry("server.address", "127.0.0.1")
                .containsEntry("agentserver.listener", "greeter");
        assertIsKnownEverywhere(call.attribute("agentserver.receipt"), conversation);
        assertThat(model.calls())
                .anySatisfy(received ->
                        assertThat(received.traceparent()).isEqualTo("00-" + trace + "-" + call.id() + "-01"));
        assertThat(traces.everything())
                .as("no payload, answer, key or token is in a span")
                .doesNotContain("Canary-4711", "Secretly said", "sk-canary-1", demo.key())
                .doesNotContainPattern("eyJ[A-Za-z0-9_-]{20}");
        assertThat(traces.spans()).extracting(Received::name).noneMatch(name -> name.contains("actuator"));
    }

    /** One id of a call in the trace, the slot, the usage record and the ledger. */
    private void assertIsKnownEverywhere(String receipt, String conversation) {
        assertThat(receipt).isNotEmpty();
        JsonNode slots = Client.json(demo.get("/v1/threads/" + conversation + "/messages"));
        assertThat(slots.at("/data/1/receipts").valueStream())
                .extracting(JsonNode::stringValue)
                .containsExactly(receipt);
        try (StoreViews stores = new StoreViews(platform)) {
            Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
                assertThat(stores.recordsOf("usage", receipt)).isEqualTo(1);
                assertThat(stores.dynamo("ledger", "group#receipt:" + receipt)).contains("demo");
            });
        }
    }

    @Test
    void a_message_that_has_slept_goes_on_in_its_trace() {
        Client org = Client.ofNewTenant(http, platform, "sleeping-org");
        assertThat(org.putOrganism("""
                        organism: {name: test}
                        listeners:
                          - name: alarm
                            description: Rings.
                            handler: builtin:timer
                            payload: {root: Alarm, fields: {After: string, Text: string}}
                            response: {root: Ring, fields: {Text: string}}
                        """).statusCode()).isEqualTo(200);
        String trace = "0af7651916cd43dd8448eb211c80319c";
        HttpResponse<String> rung = org.post(
                "/v1/messages",
                "application/json",
                "{\"payload\":{\"Alarm\":{\"After\":\"1s\",\"Text\":\"soon\"}}}",
                Map.of("Prefer", "wait=30", "traceparent", "00-" + trace + "-b7ad6b7169203331-01"));
        assertThat(rung.statusCode()).as(rung.body()).isEqualTo(200);

        Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            List<Received> handled = named(traces.ofTrace(trace), "process messages.{tenant}");
            assertThat(handled).as("before and after its sleep").hasSize(2);
            assertThat(handled.stream()
                            .map(span -> span.attribute("agentserver.message"))
                            .collect(Collectors.toSet()))
                    .hasSize(1);
        });
    }

    private static List<Received> named(List<Received> spans, String name) {
        return spans.stream().filter(span -> span.name().equals(name)).toList();
    }

    private String scrape(String prefix) {
        return new Client(http, "http://127.0.0.1:" + platform.managementPort(prefix), "")
                .get("/actuator/prometheus")
                .body();
    }

    private static void chat(Client router, String route) {
        router.post(
                "/v1/chat/completions",
                "application/json",
                "{\"model\":\"" + route + "\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
                Map.of("Cache-Control", "no-store"));
    }

    private static String greeting(String name) {
        try {
            return Files.readString(Path.of("../../examples/hello-world/greeting.xml"))
                    .replace("World", name);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
