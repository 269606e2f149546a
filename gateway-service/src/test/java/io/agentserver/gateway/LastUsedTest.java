package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.tenants.DynamoKeyUses;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.RedisKeyUses;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** When an API key was last used, as {@code GET /v1/keys} tells it. */
@ExtendWith(GatewayExtension.class)
class LastUsedTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "l" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    private String key = "";

    LastUsedTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant() {
        key = gateway.createTenant(tenant);
    }

    @Test
    void tells_of_a_keys_use_at_once_and_of_one_never_used_that_it_was_not() {
        Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        JsonNode made = make("idle");
        assertThat(made.has("last_used_at")).as("a new key says nothing of it").isFalse();

        assertThat(lastUsed(gateway, made.path("id").asString()).isNull()).isTrue();
        assertThat(at(lastUsed(gateway, first()))).isBetween(before, Instant.now());

        assertThat(gateway.get("/v1/listeners", made.path("secret").asString()).status())
                .isEqualTo(200);
        assertThat(at(lastUsed(gateway, made.path("id").asString()))).isBetween(before, Instant.now());
    }

    @Test
    void tells_of_it_on_another_gateway_and_after_a_restart() {
        JsonNode made = make("used here");
        String id = made.path("id").asString();
        try (RunningGateway other = RunningGateway.on(stores)) {
            other.get("/v1/listeners", made.path("secret").asString());
        } // which keeps what it has noted when it ends
        JsonNode here = lastUsed(gateway, id);
        assertThat(here.isNull()).isFalse();
        try (RunningGateway later = RunningGateway.on(stores)) {
            assertThat(lastUsed(later, id)).isEqualTo(here);
        }
    }

    @Test
    void tells_of_what_routers_have_noted() {
        String id = make("for models").path("id").asString();
        Instant used = Instant.parse("2030-01-31T12:00:00Z");
        RedisKeyUses router = new RedisKeyUses(gateway.bean(RedisClients.class));
        router.keep(new KeyUses.Use(new TenantId(tenant), id, used));

        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(lastUsed(gateway, id).asString()).isEqualTo("2030-01-31T12:00:00Z"));
    }

    @Test
    void the_latest_of_several_gateways_stands_whoever_writes_last() {
        DynamoKeyUses kept = gateway.bean(DynamoKeyUses.class);
        String id = make("twice").path("id").asString();
        Instant later = Instant.parse("2030-01-31T12:00:00Z");
        kept.keep(new KeyUses.Use(new TenantId(tenant), id, later));
        kept.keep(new KeyUses.Use(new TenantId(tenant), id, later.minusSeconds(60)));
        assertThat(kept.of(new TenantId(tenant))).containsEntry(id, later);
    }

    @Test
    void forgets_keys_that_are_no_more() {
        DynamoKeyUses kept = gateway.bean(DynamoKeyUses.class);
        TenantId id = new TenantId(tenant);
        Instant noon = Instant.parse("2030-01-31T12:00:00Z");
        kept.keep(new KeyUses.Use(id, "gone", noon.minusSeconds(61)));
        kept.keep(new KeyUses.Use(id, "another-gateways-newest", noon));
        kept.keep(new KeyUses.Use(id, first(), noon));
        assertThat(kept.of(id)).containsOnlyKeys("another-gateways-newest", first());
    }

    @Test
    void keeps_nothing_of_a_tenant_that_is_no_more() {
        DynamoKeyUses kept = gateway.bean(DynamoKeyUses.class);
        TenantId gone = new TenantId("gone-" + tenant.substring(0, 20));
        kept.keep(new KeyUses.Use(gone, "a", Instant.parse("2030-01-31T12:00:00Z")));
        assertThat(kept.of(gone)).isEmpty();
    }

    @Test
    void tells_pods_nothing_of_it() {
        long revision = gateway.entry(tenant).revision();
        gateway.get("/v1/listeners", key);
        DynamoKeyUses kept = gateway.bean(DynamoKeyUses.class);
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(kept.of(new TenantId(tenant))).containsKey(first()));
        assertThat(gateway.entry(tenant).revision()).isEqualTo(revision);
    }

    @Test
    void keys_are_listed_and_honoured_while_the_table_is_away() throws Exception {
        LossyDynamo dynamo = new LossyDynamo(stores.dynamoEndpoint());
        try (RunningGateway own = RunningGateway.on(stores, Map.of("AGENTSERVER_DYNAMODB_URL", dynamo.url()))) {
            assertThat(lastUsed(own, first()).isNull()).isFalse();
            dynamo.close();
            JsonNode listed = own.get("/v1/keys", key).json().path("data").path(0);
            assertThat(listed.path("id").asString()).isEqualTo(first());
            assertThat(listed.has("last_used_at"))
                    .as("it is not known, which is not never")
                    .isFalse();
            assertThat(own.get("/v1/listeners", key).status()).isEqualTo(200);
        }
    }

    private String first() {
        return gateway.entry(tenant).apiKeys().getFirst().id();
    }

    private JsonNode make(String name) {
        return gateway.post(
                        "/v1/keys",
                        key,
                        "application/json",
                        "{\"name\":\"" + name + "\",\"scopes\":[\"threads:read\"]}")
                .json();
    }

    private JsonNode lastUsed(RunningGateway of, String id) {
        for (JsonNode listed : of.get("/v1/keys", key).json().path("data")) {
            if (listed.path("id").asString().equals(id)) {
                return listed.path("last_used_at");
            }
        }
        throw new AssertionError("no key " + id);
    }

    private static Instant at(JsonNode time) {
        return Instant.parse(time.asString());
    }
}
