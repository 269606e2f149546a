package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** What another service of the platform may do for a tenant, and what not. */
@ExtendWith(GatewayExtension.class)
class ServiceCallersTest {
    private final RunningGateway gateway;
    private String tenant = "";
    private String key = "";

    ServiceCallersTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant() {
        tenant = "s" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
    }

    @Test
    void does_for_the_tenant_what_its_scopes_allow_and_nothing_else() {
        String toItsKey = gateway.get("/v1/keys", key).body(); // first: it is a use of that key, and is listed
        Answer keys = gateway.get("/v1/keys", token(tenant, "keys:write"));
        assertThat(keys.status()).as(keys.body()).isEqualTo(200);
        assertThat(keys.body()).isEqualTo(toItsKey);

        Answer usage = gateway.get("/v1/usage", token(tenant, "keys:write"));
        assertThat(usage.status()).isEqualTo(403);
        assertThat(usage.problem()).isEqualTo("forbidden");
    }

    @Test
    void hands_out_no_key_that_may_do_more_than_it_may() {
        String asked = "{\"name\":\"n\",\"scopes\":[\"threads:read\"]}";
        assertThat(gateway.post("/v1/keys", token(tenant, "keys:write"), "application/json", asked)
                        .status())
                .isEqualTo(403);
        assertThat(gateway.post("/v1/keys", token(tenant, "keys:write threads:read"), "application/json", asked)
                        .status())
                .isEqualTo(201);
    }

    @Test
    void who_may_not_set_a_listeners_secret_does_not_see_it() {
        String yaml = """
            organism: {name: team}
            listeners:
              - name: relay
                description: Relays.
                handler: http
                url: https://relay.example/
                secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
                payload: {root: Task, fields: {Text: string}}
            """;
        assertThat(gateway.putOrganism(key, yaml).status()).isEqualTo(200);
        assertThat(gateway.get("/v1/organism", token(tenant, "organism:write")).body())
                .isEqualTo(yaml);
        Answer others = gateway.get("/v1/organism", token(tenant, "threads:read"));
        assertThat(others.status()).isEqualTo(200);
        assertThat(others.body()).isEqualTo(yaml.replaceAll("whsec_.*", "whsec_hidden"));
    }

    @Test
    void sees_nothing_of_another_tenant() {
        String other = "o" + tenant.substring(1);
        gateway.createTenant(other);
        String id = gateway.entry(tenant).apiKeys().getFirst().id();

        assertThat(gateway.post("/v1/keys/" + id + "/rotate", token(other, "keys:write"), "application/json", "")
                        .status())
                .isEqualTo(404);
        assertThat(gateway.get("/v1/keys", token(other, "keys:write")).body()).doesNotContain(id);
    }

    @Test
    void is_nobody_with_a_token_that_is_not_for_this() throws GeneralSecurityException {
        SigningKey own = gateway.platformKeys().signing();
        Clock longAgo = Clock.offset(
                Clock.systemUTC(),
                ServiceToken.LIFETIME.plus(Duration.ofMinutes(2)).negated());
        SigningKey forged = new SigningKey(
                own.kid(),
                own.algorithm(),
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate());
        List<String> tokens = List.of(
                ServiceToken.issue(own, new TenantId(tenant), "keys:write", longAgo),
                ServiceToken.issue(forged, new TenantId(tenant), "keys:write", Clock.systemUTC()),
                token("nobody-has-this-id", "keys:write"),
                token("agentserver", "keys:write"),
                token(tenant, "buffer"),
                token(tenant, "buffer keys:write"),
                token(tenant, ""));
        String nobody = gateway.get("/v1/keys", "nonsense").problem();
        for (String token : tokens) {
            Answer answer = gateway.get("/v1/keys", token);
            assertThat(answer.status()).as(token).isEqualTo(401);
            assertThat(answer.problem()).isEqualTo(nobody);
        }
    }

    private String token(String tenant, String scope) {
        return ServiceToken.issue(gateway.platformKeys().signing(), new TenantId(tenant), scope, Clock.systemUTC());
    }
}
