package io.agentserver.gateway;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(GatewayExtension.class)
class SignedAdmissionTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private final KeyPair pair;
    private String tenant = "";
    private String key = "";

    SignedAdmissionTest(RunningGateway gateway, LocalStores stores) throws Exception {
        this.gateway = gateway;
        this.stores = stores;
        this.pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    }

    @BeforeEach
    void a_tenant_that_signs() {
        tenant = "s" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        assertThat(register(jwk()).status()).isEqualTo(201);
    }

    @Test
    void admits_an_envelope_that_the_org_signed_without_an_api_key_as_it_is() {
        Envelope signed = signed(Clock.systemUTC());
        Answer answer = send(signed.xml());

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(LogReader.all(stores, tenant).getFirst().value()).isEqualTo(signed.bytes());
    }

    @Test
    void admits_the_same_signed_envelope_again_as_the_same_message() {
        String signed = signed(Clock.systemUTC()).xml();
        assertThat(send(signed).json()).isEqualTo(send(signed).json());
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void refuses_a_changed_byte_an_old_token_and_a_broken_form_in_the_same_words() {
        String signed = signed(Clock.systemUTC()).xml();
        Answer changed = send(signed.replace("World", "Worlt"));
        Answer old = send(
                signed(Clock.offset(Clock.systemUTC(), Duration.ofMinutes(-10))).xml());
        Answer broken = send(signed.replace("<meta>", "<meta><from>x</from>"));

        assertThat(changed.status()).isEqualTo(401);
        assertThat(old.status()).isEqualTo(401);
        assertThat(broken.status()).isEqualTo(401);
        assertThat(withoutRequestId(changed)).isEqualTo(withoutRequestId(old)).isEqualTo(withoutRequestId(broken));
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }

    @Test
    void refuses_the_signature_of_a_deleted_key() {
        assertThat(gateway.send(gateway.request("/v1/signing-keys/the-key")
                                .header("Authorization", "Bearer " + key)
                                .DELETE())
                        .status())
                .isEqualTo(204);
        assertThat(send(signed(Clock.systemUTC()).xml()).problem()).isEqualTo("invalid-signature");
    }

    @Test
    void refuses_a_signed_envelope_with_another_tenants_api_key() {
        String other = gateway.createTenant("o" + tenant.substring(1));
        Answer answer = gateway.post(
                "/v1/messages",
                other,
                "application/xml",
                signed(Clock.systemUTC()).xml());
        assertThat(answer.status()).isEqualTo(403);
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }

    @Test
    void registers_no_private_key_and_no_kid_twice() {
        String withPrivate = new OctetKeyPair.Builder(Curve.Ed25519, x())
                .d(Base64URL.encode(tail(pair.getPrivate().getEncoded())))
                .keyID("private")
                .algorithm(JWSAlgorithm.EdDSA)
                .build()
                .toJSONString();
        assertThat(register(withPrivate).status()).isEqualTo(422);
        assertThat(register(jwk()).status()).isEqualTo(409);
    }

    private Envelope signed(Clock clock) {
        Meta meta = new Meta("console", null, new ThreadId(Ids.v7()), MessageId.create(), null, null, null, null);
        return switch (EnvelopeDocument.make(meta, "<Greeting><Name>World</Name></Greeting>")) {
            case Reading.Read(EnvelopeDocument document) ->
                new EnvelopeToken(clock)
                        .signAsOrg(
                                document,
                                new TenantId(tenant),
                                new SigningKey("the-key", JwsAlgorithm.EdDSA, pair.getPrivate()));
            case Reading.Malformed m -> throw new AssertionError(m);
            case Reading.Invalid i -> throw new AssertionError(i);
            case Reading.TooLarge l -> throw new AssertionError(l);
        };
    }

    private Answer send(String xml) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString(xml, StandardCharsets.UTF_8)));
    }

    private Answer register(String jwk) {
        return gateway.post("/v1/signing-keys", key, "application/json", jwk);
    }

    private String jwk() {
        return new OctetKeyPair.Builder(Curve.Ed25519, x())
                .keyID("the-key")
                .algorithm(JWSAlgorithm.EdDSA)
                .build()
                .toJSONString();
    }

    private Base64URL x() {
        return Base64URL.encode(tail(pair.getPublic().getEncoded()));
    }

    private static byte[] tail(byte[] encoded) {
        return Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
    }

    private static String withoutRequestId(Answer answer) {
        return answer.body().replaceAll("\"request_id\":\"[^\"]*\"", "");
    }
}
