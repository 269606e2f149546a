package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Topics;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.TenantKey;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

/** A tenant's own keys of LLM providers: they go in sealed, and nothing but who opens them with the tenant's data key sees them again. */
@ExtendWith(GatewayExtension.class)
class ProviderKeysTest {
    private static final String SECRET = "sk-own-0123456789-wxyz";

    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    ProviderKeysTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant() {
        tenant = "p" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
    }

    @Test
    void a_key_is_taken_listed_without_itself_replaced_and_forgotten() {
        assertThat(gateway.get("/v1/provider-keys", key).json().path("data")).isEmpty();
        Answer put = put("openai", SECRET);
        assertThat(put.status()).as(put.body()).isEqualTo(200);
        assertThat(put.json().propertyNames()).containsExactly("provider", "ends_with", "created_at");
        assertThat(put.json().path("provider").asString()).isEqualTo("openai");
        assertThat(put.json().path("ends_with").asString()).isEqualTo("wxyz");
        assertThat(put("anthropic", "sk-ant-0123456789").status()).isEqualTo(200);

        Answer listed = gateway.get("/v1/provider-keys", key);
        assertThat(listed.json().path("data"))
                .extracting(each -> each.path("provider").asString())
                .containsExactly("anthropic", "openai");
        assertThat(listed.json().path("data").path(1)).isEqualTo(put.json());
        assertThat(listed.body()).doesNotContain("sk-", sealed("openai").sealed());

        assertThat(put("openai", "sk-another-0123456789-abcd").status()).isEqualTo(200);
        assertThat(opened("openai")).hasValue("sk-another-0123456789-abcd");
        assertThat(gateway.entry(tenant).providerKeys()).hasSize(2);

        assertThat(gateway.delete("/v1/provider-keys/openai", key).status()).isEqualTo(204);
        assertThat(gateway.delete("/v1/provider-keys/openai", key).status()).isEqualTo(404);
        assertThat(gateway.get("/v1/provider-keys", key).json().path("data")).hasSize(1);
        assertThat(gateway.entry(tenant).providerKey("openai")).isEmpty();
    }

    @Test
    void what_every_pod_is_told_opens_with_the_tenant_s_data_key_and_for_this_provider_alone() {
        put("openai", SECRET);
        assertThat(opened("openai")).hasValue(SECRET);
        byte[] sealed = Base64.getUrlDecoder().decode(sealed("openai").sealed());
        assertThat(dataKey(tenant).open(sealed, ProviderKey.associated(new TenantId(tenant), "anthropic")))
                .isEmpty();
        TenantEntry entry = gateway.entry(tenant);
        assertThat(new String(entry.toJson(), StandardCharsets.UTF_8)).doesNotContain(SECRET, SECRET.substring(0, 10));
        assertThat(entry.toString()).doesNotContain(SECRET.substring(0, 10));
    }

    /** Whoever can write entries, and has a tenant of its own, would otherwise spend another's money. */
    @Test
    void what_was_sealed_for_another_tenant_does_not_open_here() {
        put("openai", SECRET);
        String other = tenant.substring(0, 30);
        String theirs = gateway.createTenant(other);
        assertThat(put(theirs, "openai", "sk-theirs-0123456789").status()).isEqualTo(200);
        byte[] moved = Base64.getUrlDecoder().decode(sealed("openai").sealed());
        assertThat(dataKey(other).open(moved, ProviderKey.associated(new TenantId(other), "openai")))
                .isEmpty();
        assertThat(dataKey(tenant).open(moved, ProviderKey.associated(new TenantId(other), "openai")))
                .isEmpty();
    }

    @Test
    void of_a_short_key_nothing_is_shown() {
        assertThat(put("openai", "sk345678").json().path("ends_with").asString("?"))
                .isEmpty();
        assertThat(put("openai", "sk345678901").json().path("ends_with").asString("?"))
                .isEmpty();
        assertThat(put("openai", "sk3456789012").json().path("ends_with").asString())
                .isEqualTo("9012");
        assertThat(put("openai", "k".repeat(1024)).status()).isEqualTo(200);
        assertThat(opened("openai")).hasValue("k".repeat(1024));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"\"",
                "\"short-7\"",
                "\"sk-with a space\"",
                "\" sk-leading-blank\"",
                "\"sk-line\\r\\nX-Injected: yes\"",
                "\"sk-tab\\tinside\"",
                "\"sk-nul\\u0000inside\"",
                "\"sk-delete\\u007f\"",
                "\"sk-ümlaut-0123\"",
                "12345678",
                "[\"sk-in-a-list\"]",
                "null",
                "too long",
            })
    void a_key_that_no_header_could_carry_is_422(String value) {
        String body = "{\"key\":" + value.replace("too long", "\"" + "k".repeat(1025) + "\"") + "}";
        Answer refused = putBody("openai", body);
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
        assertThat(refused.problem()).isEqualTo("invalid-field");
        assertThat(refused.json().path("pointer").asString()).isEqualTo("/key");
        assertThat(refused.body()).doesNotContain("sk-", "X-Injected", "kkkk");
        assertThat(gateway.entry(tenant).providerKeys()).isNull();
    }

    @Test
    void a_body_that_is_another_s_is_refused() {
        assertThat(putBody("openai", "{}").problem()).isEqualTo("invalid-field");
        assertThat(putBody("openai", "{\"key\":\"" + SECRET + "\",\"provider\":\"x\"}")
                        .problem())
                .isEqualTo("unknown-field");
        assertThat(putBody("openai", "\"" + SECRET + "\"").problem()).isEqualTo("malformed-json");
        assertThat(putBody("openai", "{\"key\":\"" + "k".repeat(70_000) + "\"}").problem())
                .isEqualTo("too-large");
        assertThat(gateway.entry(tenant).providerKeys()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenAI", "1st", "-x", "a_b", "a.b", "%20", "a%2Fb", "%D0%BEpenai", "%00"})
    void a_provider_that_no_route_could_name_is_400_or_404(String provider) {
        Answer refused = put(provider, SECRET);
        assertThat(refused.status()).as(refused.body()).isIn(400, 404);
        assertThat(gateway.delete("/v1/provider-keys/" + provider, key).status())
                .isIn(400, 404);
        assertThat(gateway.entry(tenant).providerKeys()).isNull();
    }

    @Test
    void a_provider_s_name_has_63_characters_at_most() {
        assertThat(put("a".repeat(63), SECRET).status()).isEqualTo(200);
        assertThat(put("a".repeat(64), SECRET).status()).isEqualTo(400);
    }

    @Test
    void a_tenant_has_keys_of_twenty_providers_at_most() {
        for (int i = 0; i < 20; i++) {
            assertThat(put("p" + i, SECRET + i).status()).isEqualTo(200);
        }
        Answer refused = put("p20", SECRET);
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("conflict");
        assertThat(refused.json().path("detail").asString()).contains("20", "delete");
        assertThat(put("p0", "sk-in-place-of-another").status())
                .as("in place of one")
                .isEqualTo(200);
        assertThat(gateway.delete("/v1/provider-keys/p7", key).status()).isEqualTo(204);
        assertThat(put("p20", SECRET).status()).isEqualTo(200);
    }

    @Test
    void who_may_not_write_keys_may_do_nothing_with_these() {
        String reader = gateway.post(
                        "/v1/keys",
                        key,
                        "application/json",
                        "{\"name\":\"r\",\"scopes\":[\"llm:call\",\"organism:write\",\"threads:read\"]}")
                .json()
                .path("secret")
                .asString();
        put("openai", SECRET);
        for (Answer refused : List.of(
                gateway.get("/v1/provider-keys", reader),
                put(reader, "openai", "sk-in-place-of-yours"),
                gateway.delete("/v1/provider-keys/openai", reader))) {
            assertThat(refused.problem()).isEqualTo("forbidden");
        }
        assertThat(put("as_live_nobody", "openai", SECRET).problem()).isEqualTo("unauthenticated");
        assertThat(opened("openai")).hasValue(SECRET);
    }

    /** Where prompts go, and who pays for them, is for whoever may send some. */
    @Test
    void to_put_or_delete_a_key_takes_the_right_to_call_models_too() {
        String writer = gateway.post(
                        "/v1/keys", key, "application/json", "{\"name\":\"w\",\"scopes\":[\"keys:write\"]}")
                .json()
                .path("secret")
                .asString();
        put("openai", SECRET);
        for (Answer refused : List.of(
                put(writer, "openai", "sk-in-place-of-yours"),
                put(writer, "anthropic", "sk-beside-yours"),
                gateway.delete("/v1/provider-keys/openai", writer))) {
            assertThat(refused.problem()).isEqualTo("forbidden");
            assertThat(refused.body()).contains("llm:call");
        }
        assertThat(gateway.get("/v1/provider-keys", writer).json().path("data")).hasSize(1);
        assertThat(opened("openai")).hasValue(SECRET);
    }

    /** As one writes that knows no own keys, when it has nothing to change. */
    @Test
    void what_an_older_gateway_left_out_of_the_topic_is_told_again() throws Exception {
        put("openai", SECRET);
        TenantEntry entry = gateway.entry(tenant);
        CountDownLatch heard = new CountDownLatch(1);
        gateway.bean(TenantDirectory.class).onChange(told -> {
            if (told.id().equals(tenant) && told.providerKeys() == null) {
                heard.countDown();
            }
        });
        ObjectNode stripped = (ObjectNode) RunningGateway.JSON.readTree(entry.toJson());
        stripped.remove("provider_keys");
        try (KafkaProducer<byte[], byte[]> older = new KafkaProducer<>(
                Map.of("bootstrap.servers", stores.kafkaBootstrap()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            older.send(new ProducerRecord<>(
                            Topics.TENANTS,
                            tenant.getBytes(StandardCharsets.UTF_8),
                            RunningGateway.JSON.writeValueAsBytes(stripped)))
                    .get();
        }
        assertThat(heard.await(30, TimeUnit.SECONDS)).isTrue();

        gateway.bean(Tenants.class).reconcile();

        assertThat(gateway.entry(tenant)).isEqualTo(entry);
    }

    @Test
    void another_tenant_sees_and_touches_nothing_of_them() {
        put("openai", SECRET);
        String theirs = gateway.createTenant(tenant.substring(0, 30));
        assertThat(gateway.get("/v1/provider-keys", theirs).body()).doesNotContain("openai", "wxyz");
        assertThat(gateway.delete("/v1/provider-keys/openai", theirs).status()).isEqualTo(404);
        assertThat(opened("openai")).hasValue(SECRET);
    }

    /** Else the value would have to be sent again, or, worse, be kept. */
    @Test
    void a_write_whose_answer_is_lost_is_taken_for_its_own() throws IOException {
        try (LossyDynamo dynamo = new LossyDynamo(stores.dynamoEndpoint());
                RunningGateway lossy = RunningGateway.on(stores, Map.of("AGENTSERVER_DYNAMODB_URL", dynamo.url()))) {
            String secret = lossy.createTenant("l" + tenant.substring(0, 30));
            for (int i = 0; i < 3; i++) {
                Answer put = lossy.send(lossy.request("/v1/provider-keys/openai")
                        .header("Authorization", "Bearer " + secret)
                        .header("Content-Type", "application/json")
                        .PUT(HttpRequest.BodyPublishers.ofString("{\"key\":\"" + SECRET + i + "\"}")));
                assertThat(put.status()).as(put.body()).isEqualTo(200);
            }
            assertThat(lossy.entry("l" + tenant.substring(0, 30)).revision())
                    .as("each change once")
                    .isEqualTo(4);
        }
    }

    /** What still runs of it would otherwise go to the provider under the platform's key. */
    @Test
    void a_tenant_that_was_told_to_go_gets_no_key_any_more_and_has_those_it_had_as_long_as_its_entry() {
        put("openai", SECRET);
        assertThat(gateway.delete("/admin/v1/tenants/" + tenant, RunningGateway.ADMIN_KEY)
                        .status())
                .isEqualTo(202);
        assertThat(put("openai", SECRET).status()).isEqualTo(401);
        assertThat(gateway.entry(tenant).isDeleted()).isTrue();
        assertThat(opened("openai")).hasValue(SECRET);
    }

    private Answer put(String provider, String value) {
        return put(key, provider, value);
    }

    private Answer put(String caller, String provider, String value) {
        return putBody(caller, provider, "{\"key\":\"" + value + "\"}");
    }

    private Answer putBody(String provider, String body) {
        return putBody(key, provider, body);
    }

    private Answer putBody(String caller, String provider, String body) {
        return gateway.send(gateway.request("/v1/provider-keys/" + provider)
                .header("Authorization", "Bearer " + caller)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(body)));
    }

    private ProviderKey sealed(String provider) {
        return gateway.entry(tenant).providerKey(provider).orElseThrow();
    }

    private TenantKey dataKey(String of) {
        String id = Objects.requireNonNull(gateway.entry(of).providerKeys())
                .getFirst()
                .keyId();
        return gateway.bean(DynamoTenantKeys.class).find(new TenantId(of), id).orElseThrow();
    }

    /** As a router opens it. */
    private Optional<String> opened(String provider) {
        return dataKey(tenant)
                .open(
                        Base64.getUrlDecoder().decode(sealed(provider).sealed()),
                        ProviderKey.associated(new TenantId(tenant), provider))
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }
}
