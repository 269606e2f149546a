package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Two gateways on the same stores: what one is told about a key holds on the other within 5 s. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeysEverywhereTest {
    private static final Duration EVERYWHERE = Duration.ofSeconds(5);

    private final RunningGateway here;
    private final RunningGateway there;
    private String tenant = "";
    private String key = "";

    KeysEverywhereTest(RunningGateway gateway, LocalStores stores) {
        this.here = gateway;
        this.there = RunningGateway.on(stores);
    }

    @AfterAll
    void stop() {
        there.close();
    }

    @BeforeEach
    void a_tenant() {
        tenant = "e" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = here.createTenant(tenant);
    }

    @Test
    void a_new_tenant_key_and_organism_work_everywhere() {
        within(() -> assertThat(there.get("/v1/keys", key).status()).isEqualTo(200));
        String made =
                issue("\"scopes\":[\"threads:read\"]").json().path("secret").asString();
        within(() -> assertThat(there.get("/v1/listeners", made).status()).isEqualTo(200));
        assertThat(there.get("/v1/keys", made).status())
                .as("its scopes are known too")
                .isEqualTo(403);
        assertThat(here.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        within(() -> assertThat(there.get("/v1/organism", key).header("ETag")).isEqualTo("\"1\""));
    }

    @Test
    void a_revoked_key_is_401_everywhere() {
        Answer made = issue("\"scopes\":[\"threads:read\"]");
        String secret = made.json().path("secret").asString();
        within(() -> assertThat(there.get("/v1/listeners", secret).status()).isEqualTo(200));

        assertThat(delete("/v1/keys/" + made.json().path("id").asString()).status())
                .isEqualTo(204);
        assertThat(here.get("/v1/listeners", secret).status())
                .as("at once here")
                .isEqualTo(401);
        within(() -> assertThat(there.get("/v1/listeners", secret).problem()).isEqualTo("unauthenticated"));
    }

    @Test
    void an_expired_key_is_401_everywhere() {
        Answer made = issue("\"scopes\":[\"threads:read\"],\"expires_at\":\""
                + Instant.now().plusSeconds(6) + "\"");
        String secret = made.json().path("secret").asString();
        within(() -> assertThat(there.get("/v1/listeners", secret).status()).isEqualTo(200));
        assertThat(here.get("/v1/listeners", secret).status()).isEqualTo(200);

        for (RunningGateway gateway : List.of(here, there)) {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(11))
                    .untilAsserted(() -> assertThat(
                                    gateway.get("/v1/listeners", secret).problem())
                            .isEqualTo("unauthenticated"));
        }
        assertThat(here.get("/v1/keys", key).body())
                .doesNotContain(made.json().path("id").asString());
    }

    @Test
    void a_rotated_key_and_its_successor_both_work_everywhere_until_the_old_one_is_revoked() {
        Answer old = issue("\"scopes\":[\"keys:write\"]");
        String oldSecret = old.json().path("secret").asString();
        String id = old.json().path("id").asString();
        Answer successor = here.post("/v1/keys/" + id + "/rotate", oldSecret, "application/json", "");
        String newSecret = successor.json().path("secret").asString();

        assertThat(successor.status()).as(successor.body()).isEqualTo(201);
        within(() -> assertThat(there.get("/v1/keys", newSecret).status()).isEqualTo(200));
        assertThat(there.get("/v1/keys", oldSecret).status()).isEqualTo(200);
        assertThat(delete("/v1/keys/" + id).status()).isEqualTo(204);
        within(() -> assertThat(there.get("/v1/keys", oldSecret).status()).isEqualTo(401));
        assertThat(there.get("/v1/keys", newSecret).status()).isEqualTo(200);
    }

    @Test
    void a_deleted_signing_key_admits_nothing_anywhere() {
        SigningOrg org = new SigningOrg(here);
        within(() -> assertThat(sendThere(org).status()).isEqualTo(202));
        assertThat(here.send(here.request("/v1/signing-keys/" + SigningOrg.KID)
                                .header("Authorization", "Bearer " + org.key)
                                .DELETE())
                        .status())
                .isEqualTo(204);
        assertThat(org.send(org.signed(SigningOrg.unsigned())).problem()).isEqualTo("invalid-signature");
        within(() -> assertThat(sendThere(org).problem()).isEqualTo("invalid-signature"));
    }

    private Answer sendThere(SigningOrg org) {
        return there.send(there.request("/v1/messages")
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString(org.signed(SigningOrg.unsigned()))));
    }

    private Answer issue(String members) {
        Answer made = here.post("/v1/keys", key, "application/json", "{\"name\":\"another\"," + members + "}");
        assertThat(made.status()).as(made.body()).isEqualTo(201);
        return made;
    }

    private Answer delete(String path) {
        return here.send(
                here.request(path).header("Authorization", "Bearer " + key).DELETE());
    }

    private static void within(org.awaitility.core.ThrowingRunnable assertion) {
        Awaitility.await().atMost(EVERYWHERE).untilAsserted(assertion);
    }
}
