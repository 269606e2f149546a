package io.agentserver.billing;

import io.agentserver.billing.console.DynamoMembers;
import io.agentserver.billing.console.Role;
import io.agentserver.billing.console.TenantsOnTopic;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.credit.Credit;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Reservation;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** The whole service, on its own ports, over HTTP. */
class BillingServiceTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final int PORT = FreePorts.take();
    private static final int MANAGEMENT = FreePorts.take();

    @TempDir
    static Path directory;

    private static ConfigurableApplicationContext service;
    private static ServiceTokens tokens;

    private final TenantId tenant = Calls.newTenant();

    @BeforeAll
    static void start() throws IOException {
        UsageTopic.create();
        Path key = directory.resolve("platform.jwk");
        PlatformKeys.createIfAbsent(key);
        tokens = new ServiceTokens(PlatformKeys.load(key), Clock.systemUTC());
        service = ServiceApplication.start(BillingApplication.class, "billing", settings(Map.of()));
    }

    @AfterAll
    static void stop() {
        service.close();
        HTTP.close();
    }

    @Test
    void tells_a_tenant_what_its_calls_came_to() {
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(Calls.call(tenant, Ids.v7()));
            topic.append(Calls.call(tenant, Ids.v7()));
            topic.append(Calls.call(tenant, Ids.v7(), Calls.NOON, "openai/gpt-x", null));
            topic.append(Calls.call(Calls.newTenant(), Ids.v7()));
        }

        await().atMost(Duration.ofSeconds(30))
                .until(() -> usage(tenant).path("total").path("calls").asInt() == 3);

        assertThat(usage(tenant)).isEqualTo(JSON.readTree("""
                {"data": [
                  {"day": "2026-03-14", "model": "openai/gpt-x", "listener": null, "calls": 1, "input_tokens": 100,
                   "cached_input_tokens": 10, "output_tokens": 20, "cost_microusd": 70, "price_microusd": 140},
                  {"day": "2026-03-14", "model": "openai/gpt-x", "listener": "greeter", "calls": 2, "input_tokens": 200,
                   "cached_input_tokens": 20, "output_tokens": 40, "cost_microusd": 140, "price_microusd": 280}],
                 "total": {"calls": 3, "input_tokens": 300, "cached_input_tokens": 30, "output_tokens": 60,
                   "cost_microusd": 210, "price_microusd": 420}}
                """));
    }

    @Test
    void a_tenant_without_calls_has_an_empty_report() {
        JsonNode usage = usage(tenant);

        assertThat(usage.path("data").isEmpty()).isTrue();
        assertThat(usage.path("total").path("price_microusd").asLong(-1)).isZero();
    }

    @Test
    void refuses_whoever_has_no_token_for_usage() {
        String other = "Bearer " + tokens.issue(tenant, ServiceTokens.BUFFER);

        for (HttpResponse<String> answer : List.of(
                get(PORT, "/internal/v1/usage", null),
                get(PORT, "/internal/v1/usage", "Bearer nonsense"),
                get(PORT, "/internal/v1/usage", other))) {
            assertThat(answer.statusCode()).isEqualTo(401);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
            JsonNode problem = JSON.readTree(answer.body());
            assertThat(problem.path("type").asString()).isEqualTo("https://xml-pipeline.org/problems/unauthenticated");
            assertThat(answer.headers().firstValue("Request-Id"))
                    .contains(problem.path("request_id").asString());
        }
    }

    @Test
    void answers_wrong_requests_with_problem_documents() {
        HttpResponse<String> wrongDay = get(PORT, "/internal/v1/usage?from=soon", token(tenant));
        HttpResponse<String> noSuchPath = get(PORT, "/internal/v1/nothing", token(tenant));

        assertThat(wrongDay.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(wrongDay.body()).path("detail").asString())
                .isEqualTo("from: <soon> is no day; write it as 2026-01-31");
        assertThat(noSuchPath.statusCode()).isEqualTo(404);
        assertThat(noSuchPath.headers().firstValue("Content-Type")).contains("application/problem+json");
    }

    @Test
    void answers_what_the_server_itself_refuses_with_problem_documents() {
        HttpResponse<String> longHeader = get(PORT, "/internal/v1/usage", "Bearer " + "x".repeat(20_000));

        assertThat(longHeader.statusCode()).isEqualTo(431);
        assertThat(longHeader.headers().firstValue("Content-Type")).contains("application/problem+json");
        JsonNode problem = JSON.readTree(longHeader.body());
        assertThat(problem.path("type").asString()).isEqualTo("https://xml-pipeline.org/problems/too-large");
        assertThat(longHeader.headers().firstValue("Request-Id"))
                .contains(problem.path("request_id").asString());
    }

    @Test
    void is_alive_ready_and_measured_on_its_management_port() {
        assertThat(get(MANAGEMENT, "/actuator/health/liveness", null).statusCode())
                .isEqualTo(200);
        assertThat(get(MANAGEMENT, "/actuator/health/readiness", null).statusCode())
                .isEqualTo(200);
        assertThat(get(MANAGEMENT, "/actuator/prometheus", null).body())
                .contains(
                        "agentserver_rejected_total{",
                        "reason=\"invalid-usage-record\"",
                        "agentserver_billing_usage_total{");
        assertThat(get(MANAGEMENT, "/actuator/env", null).statusCode()).isEqualTo(404);
        assertThat(get(PORT, "/actuator/health", null).statusCode()).isEqualTo(404);
    }

    @Test
    void starts_without_redis_posts_meanwhile_and_opens_credit_when_it_is_there() {
        int port = FreePorts.take();
        int management = FreePorts.take();
        String url = "redis://127.0.0.1:" + FreePorts.take();
        Map<String, String> changed = Map.of(
                "AGENTSERVER_REDIS_URL", url,
                "AGENTSERVER_BILLING_PORT", Integer.toString(port),
                "AGENTSERVER_BILLING_MANAGEMENT_PORT", Integer.toString(management));
        try (TenantsOnTopic tenants = new TenantsOnTopic();
                ConfigurableApplicationContext early =
                        ServiceApplication.start(BillingApplication.class, "billing", settings(changed))) {
            await().atMost(Duration.ofSeconds(20))
                    .until(() ->
                            get(management, "/actuator/health/readiness", null).statusCode() == 200);
            tenants.put(tenant.value());
            Ledger ledger = early.getBean(Ledger.class);
            await().atMost(Duration.ofSeconds(20))
                    .until(() ->
                            early.getBean(TenantDirectory.class).find(tenant).isPresent());
            String token = "Bearer " + tokens.issue(tenant, ServiceTokens.CREDIT_WRITE);
            assertThat(give(port, token, 7, "a gift").statusCode()).isEqualTo(200);
            assertThat(ledger.balance(tenant).credit().value()).isGreaterThanOrEqualTo(7);

            try (LocalRedis _ = LocalRedis.start(
                            directory.resolve("late"), URI.create(url).getPort());
                    RedisClients redis = RedisClients.connect(url, Duration.ofSeconds(5))) {
                Credit credit = new Credit(redis);
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> credit.reserve(
                                        tenant,
                                        new Hold(
                                                UUID.randomUUID(),
                                                UUID.randomUUID(),
                                                1,
                                                Duration.ofMinutes(1),
                                                "a call"))
                                instanceof Reservation.Held);
                assertThat(credit.standing(tenant).toCompletableFuture().join().available())
                        .isEqualTo(ledger.balance(tenant).credit().value() - 1);
            }
        }
    }

    @Test
    void refuses_an_amount_that_no_operator_gives() {
        String token = "Bearer " + tokens.issue(tenant, ServiceTokens.CREDIT_WRITE);

        for (long amount : new long[] {0, Long.MIN_VALUE, Long.MAX_VALUE, 1_000_000_000_001L, -1_000_000_000_001L}) {
            assertThat(give(token, amount, "a gift").statusCode())
                    .as(Long.toString(amount))
                    .isEqualTo(422);
        }
        assertThat(give(token, 7, "x".repeat(201)).statusCode()).isEqualTo(422);
        assertThat(give(token, -7, "taken back").statusCode()).isEqualTo(200);
    }

    @Test
    void forgets_a_tenant_but_for_its_postings() {
        TenantId gone = Calls.newTenant();
        assertThat(give("Bearer " + tokens.issue(gone, ServiceTokens.CREDIT_WRITE), 7, "a gift")
                        .statusCode())
                .isEqualTo(200);
        DynamoMembers members = service.getBean(DynamoMembers.class);
        members.add(gone, "ann@example.com", Role.OWNER, "ann@example.com");
        members.add(tenant, "bob@example.com", Role.OWNER, "bob@example.com");

        assertThat(forget("Bearer " + tokens.issue(gone, ServiceTokens.USAGE_READ))
                        .statusCode())
                .isEqualTo(401);
        String right = "Bearer " + tokens.issue(gone, ServiceTokens.TENANT_DELETE);
        assertThat(forget(right).body()).isEqualTo("{\"freed\":2}"); // with how many owners there were
        assertThat(forget(right).body()).isEqualTo("{\"freed\":0}");

        assertThat(members.of(gone)).isEmpty();
        assertThat(members.of(tenant)).hasSize(1);
        assertThat(service.getBean(Ledger.class).balance(gone).credit()).isEqualTo(new MicroUsd(7));
    }

    private static HttpResponse<String> forget(String token) {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + PORT + "/internal/v1/tenant"))
                .header("Authorization", token)
                .DELETE());
    }

    private static HttpResponse<String> give(String token, long amount, String reason) {
        return give(PORT, token, amount, reason);
    }

    private static HttpResponse<String> give(int port, String token, long amount, String reason) {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port
                        + "/internal/v1/credit?amount_microusd=" + amount + "&reason=" + reason.replace(' ', '+')))
                .header("Authorization", token)
                .header("Idempotency-Key", "gift " + amount)
                .POST(HttpRequest.BodyPublishers.noBody()));
    }

    @Test
    void a_wrong_setting_stops_it_with_one_line() {
        assertThatThrownBy(() -> startWith(Map.of("AGENTSERVER_TEST_CARD", "true", "AGENTSERVER_BIND", "0.0.0.0")))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .isEqualTo("AGENTSERVER_TEST_CARD=true gives credit to whoever asks: set"
                                + " AGENTSERVER_BIND=127.0.0.1, or leave it out"));
        assertThatThrownBy(() -> startWith(Map.of("AGENTSERVER_KAFKA", "nowhere")))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .isEqualTo("AGENTSERVER_KAFKA=nowhere names no brokers: set it to host:port, several with"
                                + " commas"));
        assertThatThrownBy(() -> startWith(Map.of("AGENTSERVER_KAFKA_PROPERTIES", "/no/such/file")))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .startsWith("AGENTSERVER_KAFKA_PROPERTIES=/no/such/file: cannot be read"));
        assertThatThrownBy(() -> startWith(Map.of("AGENTSERVER_PLATFORM_KEY", "/no/such/file")))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .isEqualTo("AGENTSERVER_PLATFORM_KEY=/no/such/file cannot be read: name a readable JWK Set"
                                + " file"));
        String closed = "http://127.0.0.1:" + FreePorts.take();
        assertThatThrownBy(() -> startWith(Map.of("AGENTSERVER_DYNAMODB_URL", closed)))
                .satisfies(e -> assertThat(ServiceApplication.reason(e))
                        .startsWith("AGENTSERVER_DYNAMODB_URL=" + closed + " does not answer: start DynamoDB there"));
    }

    private static void startWith(Map<String, String> changed) {
        ServiceApplication.start(BillingApplication.class, "billing", settings(changed))
                .close();
    }

    private static Map<String, String> settings(Map<String, String> changed) {
        Map<String, String> settings = new HashMap<>(Map.of(
                "AGENTSERVER_KAFKA",
                TestStores.kafka(),
                "AGENTSERVER_REDIS_URL",
                TestStores.redisUrl(),
                "AGENTSERVER_DYNAMODB_URL",
                TestStores.dynamoUrl(),
                "AGENTSERVER_PLATFORM_KEY",
                directory.resolve("platform.jwk").toString(),
                "AGENTSERVER_BIND",
                "127.0.0.1",
                "AGENTSERVER_LOG_FORMAT",
                "text",
                "AGENTSERVER_BILLING_PORT",
                changed.isEmpty() ? Integer.toString(PORT) : "0",
                "AGENTSERVER_BILLING_MANAGEMENT_PORT",
                changed.isEmpty() ? Integer.toString(MANAGEMENT) : "0"));
        settings.putAll(changed);
        return settings;
    }

    private static JsonNode usage(TenantId tenant) {
        HttpResponse<String> answer = get(PORT, "/internal/v1/usage?from=2026-03-01&to=2026-03-31", token(tenant));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private static String token(TenantId tenant) {
        return "Bearer " + tokens.issue(tenant, ServiceTokens.USAGE_READ);
    }

    private static HttpResponse<String> get(int port, String path, @Nullable String authorization) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        return send(request);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
