package io.agentserver.gateway;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

import static org.assertj.core.api.Assertions.assertThat;

/** What whoever holds a key of the tenant may do with keys, and what not. */
@ExtendWith(GatewayExtension.class)
class KeysTest {
    private final RunningGateway gateway;
    private String owner = "";

    KeysTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant() {
        owner = gateway.createTenant("k" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
    }

    private Answer make(String key, String body) {
        return gateway.post("/v1/keys", key, "application/json", body);
    }

    private Answer rotate(String key, String id) {
        return gateway.post("/v1/keys/" + id + "/rotate", key, "application/json", "");
    }

    private String idOf(String name) {
        for (JsonNode key : gateway.get("/v1/keys", owner).json().path("data")) {
            if (key.path("name").asString().equals(name)) {
                return key.path("id").asString();
            }
        }
        throw new AssertionError("no key " + name);
    }

    private static String secret(Answer made) {
        assertThat(made.status()).as(made.body()).isEqualTo(201);
        return made.json().path("secret").asString();
    }

    @Test
    void a_key_gets_no_scopes_by_rotating_another() {
        String weak = secret(make(owner, "{\"name\":\"weak\",\"scopes\":[\"keys:write\"]}"));

        Answer stolen = rotate(weak, idOf("first"));

        assertThat(stolen.status()).as(stolen.body()).isEqualTo(403);
        assertThat(gateway.get("/v1/keys", owner).json().path("data")).hasSize(2);
        assertThat(rotate(weak, idOf("weak")).status()).as("itself").isEqualTo(201);
        assertThat(rotate(owner, idOf("first")).status()).isEqualTo(201);
    }

    @Test
    void a_key_that_ends_does_not_outlive_itself_by_rotation() {
        String end = Instant.now().plus(Duration.ofHours(2)).toString();
        String short1 =
                secret(make(owner, "{\"name\":\"short\",\"scopes\":[\"keys:write\"],\"expires_at\":\"" + end + "\"}"));

        Answer successor = rotate(short1, idOf("short"));

        secret(successor);
        assertThat(Instant.parse(successor.json().path("expires_at").asString()))
                .isEqualTo(Instant.parse(end));
    }

    @Test
    void a_tenant_has_a_hundred_keys_at_most_and_revoking_makes_room() {
        for (int i = 0; i < 99; i++) {
            secret(make(owner, "{\"name\":\"" + "ü".repeat(190) + i + "\",\"scopes\":[\"messages:write\"]}"));
        }
        Answer tooMany = make(owner, "{\"name\":\"one more\",\"scopes\":[\"messages:write\"]}");
        assertThat(tooMany.status()).isEqualTo(409);
        assertThat(tooMany.json().path("detail").asString()).contains("revoke one first");
        assertThat(rotate(owner, idOf("first")).status()).isEqualTo(409);

        String id = idOf("ü".repeat(190) + 7);
        assertThat(gateway.send(gateway.request("/v1/keys/" + id)
                                .header("Authorization", "Bearer " + owner)
                                .DELETE())
                        .status())
                .isEqualTo(204);
        secret(make(owner, "{\"name\":\"one more\",\"scopes\":[\"messages:write\"]}"));
    }

    @Test
    void signing_keys_are_few_and_bare_and_their_tenant_can_be_changed_whatever_was_registered() throws Exception {
        String padding = "\"key_ops\":[\"" + "verify".repeat(8_000) + "\"],";
        for (int i = 0; i < 25; i++) {
            Answer made = register(jwk("many-" + i).replace("{", "{" + padding));
            assertThat(made.status()).as(made.body()).isIn(201, 409, 422);
        }
        for (int i = 0; i < 150; i++) {
            String kid = "churn-" + i;
            gateway.send(gateway.request("/v1/signing-keys/many-" + i)
                    .header("Authorization", "Bearer " + owner)
                    .DELETE());
            gateway.send(gateway.request("/v1/signing-keys/churn-" + (i - 1))
                    .header("Authorization", "Bearer " + owner)
                    .DELETE());
            assertThat(register(jwk(kid)).status()).as(kid).isEqualTo(201);
        }
        for (int i = 0; i < 19; i++) {
            assertThat(register(jwk("last-" + i)).status()).isEqualTo(201);
        }
        Answer tooMany = register(jwk("too-many"));
        assertThat(tooMany.status()).isEqualTo(409);
        assertThat(tooMany.json().path("detail").asString()).contains("delete one first");
        assertThat(gateway.send(gateway.request("/v1/signing-keys/last-3")
                                .header("Authorization", "Bearer " + owner)
                                .DELETE())
                        .status())
                .isEqualTo(204);
        assertThat(register(jwk("last-3")).status())
                .as("a kid is not given twice")
                .isEqualTo(409);
    }

    @Test
    void certificates_of_a_signing_key_are_refused() throws Exception {
        Answer refused = register(jwk("certified").replace("{", "{\"x5u\":\"https://example.com/cert\","));
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.json().path("detail").asString()).contains("register the bare key");
    }

    private Answer register(String jwk) {
        return gateway.post("/v1/signing-keys", owner, "application/json", jwk);
    }

    private static String jwk(String kid) throws Exception {
        byte[] encoded = KeyPairGenerator.getInstance("Ed25519")
                .generateKeyPair()
                .getPublic()
                .getEncoded();
        byte[] point = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
        return new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(point))
                .keyID(kid)
                .algorithm(com.nimbusds.jose.JWSAlgorithm.EdDSA)
                .build()
                .toJSONString();
    }
}
