package io.agentserver.billing;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.stripe.StripeDouble;
import io.agentserver.billing.topup.TopUpAmount;
import io.agentserver.billing.topup.TopUps;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.FreePorts;
import io.agentserver.log.Topics;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
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

/** The whole service with Stripe's keys: webhooks over HTTP, a real ledger, and stores that go away. */
class StripeServiceTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final int PORT = FreePorts.take();
    private static final int MANAGEMENT = FreePorts.take();
    private static final URI PAGE = URI.create("https://console.example/credit");

    @TempDir
    static Path directory;

    private static StripeDouble stripe;
    private static DynamoProxy dynamo;
    private static ConfigurableApplicationContext service;

    private final TenantId tenant = Calls.newTenant();

    @BeforeAll
    static void start() throws IOException {
        UsageTopic.create();
        UsageTopic.create(new NewTopic(Topics.TENANTS, 1, (short) 1).configs(Map.of("cleanup.policy", "compact")));
        PlatformKeys.createIfAbsent(directory.resolve("platform.jwk"));
        stripe = new StripeDouble(Clock.systemUTC());
        dynamo = new DynamoProxy(TestStores.dynamoUrl());
        service = ServiceApplication.start(BillingApplication.class, "billing", settings(Map.of()));
    }

    @AfterAll
    static void stop() {
        service.close();
        dynamo.close();
        stripe.close();
        HTTP.close();
    }

    @AfterEach
    void heal() {
        dynamo.away = false;
        stripe.away(false);
    }

    @Test
    void a_webhook_is_answered_with_200_once_its_credit_is_there() {
        String event = paid(2_500);

        HttpResponse<String> answer = deliver(event, signed(event));

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(credit()).isEqualTo(MicroUsd.ofCents(2_500));
    }

    @Test
    void a_webhook_that_is_not_stripes_is_400_and_counted_and_changes_nothing() {
        String event = paid(2_500);
        double before = rejected();

        HttpResponse<String> unsigned = deliver(event, null);
        HttpResponse<String> forged = deliver(event.replace("2500", "9900"), signed(event));

        for (HttpResponse<String> answer : List.of(unsigned, forged)) {
            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
            assertThat(JsonMapper.shared().readTree(answer.body()).path("type").asString())
                    .isEqualTo("https://xml-pipeline.org/problems/invalid-webhook");
        }
        assertThat(rejected()).isEqualTo(before + 2);
        assertThat(credit()).isEqualTo(MicroUsd.ZERO);
    }

    @Test
    void while_the_store_is_away_a_webhook_is_a_5xx_and_comes_again() {
        String event = paid(2_500);
        dynamo.away = true;

        assertThat(deliver(event, signed(event)).statusCode()).isEqualTo(503);
        dynamo.away = false;
        assertThat(credit()).isEqualTo(MicroUsd.ZERO);
        assertThat(deliver(event, signed(event)).statusCode()).isEqualTo(200);

        assertThat(credit()).isEqualTo(MicroUsd.ofCents(2_500));
    }

    @Test
    void a_store_that_posts_and_loses_the_answer_has_posted_once() {
        String event = paid(2_500);
        dynamo.losing.set(2);

        assertThat(deliver(event, signed(event)).statusCode()).isIn(200, 503);
        assertThat(deliver(event, signed(event)).statusCode()).isEqualTo(200);

        assertThat(credit()).isEqualTo(MicroUsd.ofCents(2_500));
    }

    @Test
    void while_stripe_is_away_a_webhook_is_a_5xx() {
        String event = paid(2_500);
        stripe.away(true);

        assertThat(deliver(event, signed(event)).statusCode()).isEqualTo(503);
        assertThat(credit()).isEqualTo(MicroUsd.ZERO);
    }

    @Test
    void a_body_that_is_too_large_is_refused() {
        assertThat(deliver("x".repeat(600_000), "t=1,v1=0").statusCode()).isEqualTo(413);
    }

    @Test
    void a_new_tenant_has_its_plans_credit_within_seconds() {
        TenantEntry entry = new TenantEntry(tenant.value(), "Org", "default", 1, Calls.NOON, 0, List.of(), List.of());
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", TestStores.kafka()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            assertThat(producer.send(new ProducerRecord<>(
                            Topics.TENANTS, tenant.value().getBytes(StandardCharsets.UTF_8), entry.toJson())))
                    .succeedsWithin(Duration.ofSeconds(20));
        }

        await().atMost(Duration.ofSeconds(20)).until(() -> credit().equals(new MicroUsd(5_000_000)));
    }

    @Test
    void without_stripe_there_is_no_webhook_and_the_test_card_only_where_it_is_allowed() {
        assertThat(means(Map.of("AGENTSERVER_STRIPE_KEY", ""))).isEqualTo(TopUps.Means.NONE);
        assertThat(means(Map.of("AGENTSERVER_STRIPE_KEY", "", "AGENTSERVER_TEST_CARD", "true")))
                .isEqualTo(TopUps.Means.TEST_CARD);
        assertThat(means(Map.of("AGENTSERVER_TEST_CARD", "true"))).isEqualTo(TopUps.Means.STRIPE);
    }

    @Test
    void a_wrong_setting_of_stripe_stops_it_with_one_line_that_has_no_secret() {
        assertStopped(
                "AGENTSERVER_STRIPE_KEY",
                "pk_live_public",
                "AGENTSERVER_STRIPE_KEY is no secret key of Stripe's: set it to sk_test_… or sk_live_… (or rk_…)");
        assertStopped(
                "AGENTSERVER_STRIPE_WEBHOOK_SECRET",
                "",
                "AGENTSERVER_STRIPE_WEBHOOK_SECRET is no signing secret: set it to the whsec_… of this webhook"
                        + " endpoint, as Stripe shows it");
        assertStopped(
                "AGENTSERVER_STRIPE_ACCOUNT", "me", "AGENTSERVER_STRIPE_ACCOUNT=me is no account: set it to acct_…");
        assertStopped(
                "AGENTSERVER_STRIPE_URL",
                "stripe",
                "AGENTSERVER_STRIPE_URL=stripe is no base URL: set it to http(s)://host:port, or leave it out for"
                        + " Stripe's own");
        assertStopped(
                "AGENTSERVER_RECONCILE_EVERY",
                "5s",
                "AGENTSERVER_RECONCILE_EVERY=PT5S is too short: give at least 1m, or 0 where another process"
                        + " reconciles");
    }

    private static void assertStopped(String setting, String value, String reason) {
        assertThatThrownBy(() -> startWith(Map.of(setting, value)).close())
                .satisfies(e -> assertThat(ServiceApplication.reason(e)).isEqualTo(reason));
    }

    private static TopUps.Means means(Map<String, String> changed) {
        try (ConfigurableApplicationContext other = startWith(changed)) {
            return other.getBean(TopUps.class).means();
        }
    }

    private static ConfigurableApplicationContext startWith(Map<String, String> changed) {
        return ServiceApplication.start(BillingApplication.class, "billing", settings(changed));
    }

    private static Map<String, String> settings(Map<String, String> changed) {
        Map<String, String> settings = new HashMap<>();
        settings.put("AGENTSERVER_KAFKA", TestStores.kafka());
        settings.put("AGENTSERVER_DYNAMODB_URL", dynamo.url());
        settings.put("AGENTSERVER_REDIS_URL", TestStores.redisUrl());
        settings.put(
                "AGENTSERVER_PLATFORM_KEY", directory.resolve("platform.jwk").toString());
        settings.put("AGENTSERVER_BIND", "127.0.0.1");
        settings.put("AGENTSERVER_LOG_FORMAT", "text");
        settings.put("AGENTSERVER_BILLING_PORT", changed.isEmpty() ? Integer.toString(PORT) : "0");
        settings.put("AGENTSERVER_BILLING_MANAGEMENT_PORT", changed.isEmpty() ? Integer.toString(MANAGEMENT) : "0");
        settings.put("AGENTSERVER_STRIPE_KEY", StripeDouble.KEY);
        settings.put("AGENTSERVER_STRIPE_WEBHOOK_SECRET", StripeDouble.WEBHOOK_SECRET);
        settings.put("AGENTSERVER_STRIPE_ACCOUNT", StripeDouble.ACCOUNT);
        settings.put("AGENTSERVER_STRIPE_URL", stripe.url());
        settings.putAll(changed);
        return settings;
    }

    /** Pays on the page that the service made; returns the event. */
    private String paid(int cents) {
        URI page =
                service.getBean(TopUps.class).checkout(tenant, UUID.randomUUID(), new TopUpAmount(cents), PAGE, PAGE);
        stripe.pay(page.toString());
        return stripe.events().getLast();
    }

    private MicroUsd credit() {
        return service.getBean(Ledger.class).balance(tenant).credit();
    }

    private static String signed(String event) {
        return StripeDouble.signed(event, Clock.systemUTC().instant().getEpochSecond());
    }

    private static HttpResponse<String> deliver(String event, @Nullable String signature) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + PORT + "/stripe/webhook"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(event));
        if (signature != null) {
            request.header("Stripe-Signature", signature);
        }
        return send(request);
    }

    private static double rejected() {
        String metrics = send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + MANAGEMENT + "/actuator/prometheus")))
                .body();
        assertThat(metrics).contains("\nagentserver_ledger_difference ");
        return metrics.lines()
                .filter(line -> line.startsWith("agentserver_rejected_total") && line.contains("\"invalid-webhook\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
