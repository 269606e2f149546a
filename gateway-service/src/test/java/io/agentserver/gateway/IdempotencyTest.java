package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.http.HttpRequest;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code Idempotency-Key} (draft-ietf-httpapi-idempotency-key-header): what is taken for one, and what it stands for. Repeats with the
 * same and with another content: AdmissionTest.
 */
@ExtendWith(GatewayExtension.class)
class IdempotencyTest {
    private static final String GOOD = "{\"payload\":{\"Greeting\":{\"Name\":\"World\"}}}";

    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    IdempotencyTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "i" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\tb", "256"})
    void what_is_no_key_is_400(String wrong) {
        Answer answer = send(wrong.replace("256", "k".repeat(256)), GOOD);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-request");
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"255", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "../../etc/passwd", "' OR '1'='1", "{}"})
    void any_visible_characters_are_one(String text) {
        String name = text.replace("255", "k".repeat(255)).replace(" ", "");
        Answer first = send(name, GOOD);
        assertThat(first.status()).as(first.body()).isEqualTo(202);
        assertThat(send(name, GOOD).body()).isEqualTo(first.body());
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void a_key_is_one_tenants_alone() {
        Answer mine = send("order-1", GOOD);
        a_tenant_with_an_organism();
        Answer theirs = send("order-1", GOOD.replace("World", "Moon"));
        assertThat(theirs.status()).as(theirs.body()).isEqualTo(202);
        assertThat(theirs.json().path("message_id")).isNotEqualTo(mine.json().path("message_id"));
    }

    /** It never became a message: what is sent next under the key is the first. */
    @Test
    void what_was_refused_can_be_mended_and_sent_under_the_same_key() {
        assertThat(send("order-2", GOOD.replace("Name", "Nome")).status()).isEqualTo(422);
        assertThat(send("order-2", "{").status()).isEqualTo(400);
        assertThat(send("order-2", GOOD).status()).isEqualTo(202);
        assertThat(send("order-2", GOOD.replace("World", "Moon")).problem()).isEqualTo("idempotency-mismatch");
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void json_and_xml_of_the_same_content_are_the_same_message() {
        Answer json = send("order-3", GOOD);
        Answer xml = gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("Idempotency-Key", "order-3")
                .POST(HttpRequest.BodyPublishers.ofString(AdmissionTest.envelope(
                        "<from>client</from>", "<Greeting xmlns=\"\"><Name>World</Name></Greeting>"))));
        assertThat(xml.status()).as(xml.body()).isEqualTo(202);
        assertThat(xml.body()).isEqualTo(json.body());
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    private Answer send(String idempotencyKey, String body) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", idempotencyKey)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }
}
