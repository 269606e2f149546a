package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.tenancy.TenantEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** A write that DynamoDB has made and whose answer is lost is made again by the SDK, and then fails its own condition. */
@ExtendWith(GatewayExtension.class)
class LostAnswersTest {
    private final LocalStores stores;
    private final String tenant = "l" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    LostAnswersTest(LocalStores stores) {
        this.stores = stores;
    }

    @Test
    void takes_its_own_write_for_its_own() throws Exception {
        try (LossyDynamo dynamo = new LossyDynamo(stores.dynamoEndpoint());
                RunningGateway gateway = RunningGateway.on(stores, Map.of("AGENTSERVER_DYNAMODB_URL", dynamo.url()))) {
            String key = gateway.createTenant(tenant);
            assertThat(gateway.get("/v1/keys", key).status()).isEqualTo(200);

            Answer issued =
                    gateway.post("/v1/keys", key, "application/json", "{\"name\":\"a\",\"scopes\":[\"keys:write\"]}");
            assertThat(issued.status()).as(issued.body()).isEqualTo(201);
            assertThat(gateway.entry(tenant).apiKeys()).hasSize(2);

            String path = "/v1/keys/" + issued.json().path("id").asString();
            Answer rotated = gateway.post(path + "/rotate", key, "application/json", "");
            assertThat(rotated.status()).as(rotated.body()).isEqualTo(201);
            assertThat(gateway.entry(tenant).apiKeys()).hasSize(3);
            assertThat(gateway.get("/v1/keys", rotated.json().path("secret").asString())
                            .status())
                    .isEqualTo(200);

            assertThat(gateway.send(gateway.request(path)
                                    .header("Authorization", "Bearer " + key)
                                    .DELETE())
                            .status())
                    .isEqualTo(204);
            assertThat(gateway.entry(tenant).apiKeys()).hasSize(2);

            assertThat(gateway.post("/v1/signing-keys", key, "application/json", KeysTest.jwk("k1"))
                            .status())
                    .isEqualTo(201);
            assertThat(gateway.send(gateway.request("/v1/signing-keys/k1")
                                    .header("Authorization", "Bearer " + key)
                                    .DELETE())
                            .status())
                    .isEqualTo(204);

            TenantEntry entry = gateway.entry(tenant);
            assertThat(entry.revision()).as("each change once").isEqualTo(6);
            assertThat(dynamo.writes())
                    .as("and twice sent, with the tenant's place in the index")
                    .isEqualTo(14);
        }
    }
}
