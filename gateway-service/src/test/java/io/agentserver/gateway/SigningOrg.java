package io.agentserver.gateway;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** A tenant with a signing key of its own, which signs whatever a test wants it to, in tokens made by hand. */
final class SigningOrg {
    static final String KID = "the-key";

    final String tenant = "s" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    final String key;
    private final RunningGateway gateway;
    private final KeyPair pair;

    SigningOrg(RunningGateway gateway) {
        this.gateway = gateway;
        this.pair = newPair();
        this.key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        assertThat(gateway.post("/v1/signing-keys", key, "application/json", jwk(KID, pair))
                        .status())
                .isEqualTo(201);
    }

    static KeyPair newPair() {
        try {
            return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static String jwk(String kid, KeyPair pair) {
        return new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(publicBytes(pair)))
                .keyID(kid)
                .algorithm(JWSAlgorithm.EdDSA)
                .build()
                .toJSONString();
    }

    private static byte[] publicBytes(KeyPair pair) {
        byte[] encoded = pair.getPublic().getEncoded();
        return Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
    }

    /** The key's public half, which anybody may know. */
    byte[] publicBytes() {
        return publicBytes(pair);
    }

    static Envelope unsigned() {
        return unsigned("World", new ThreadId(Ids.v7()), MessageId.create());
    }

    static Envelope unsigned(String name, ThreadId thread, MessageId id) {
        Meta meta = new Meta("console", null, thread, id, null, null, null, null);
        if (EnvelopeDocument.make(meta, "<Greeting><Name>" + name + "</Name></Greeting>")
                instanceof Reading.Read(EnvelopeDocument document)) {
            return document.toEnvelope();
        }
        throw new IllegalArgumentException(name);
    }

    /** As it should be; to be changed. */
    Map<String, Object> header() {
        return new LinkedHashMap<>(Map.of("alg", "EdDSA", "kid", KID, "typ", "envelope+jwt"));
    }

    /** As they should be; to be changed. */
    Map<String, Object> claims(Envelope unsigned) {
        long now = Instant.now().getEpochSecond();
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", tenant);
        claims.put("tenant", tenant);
        claims.put("sub", unsigned.meta().from());
        claims.put("aud", "agentserver");
        claims.put("iat", now);
        claims.put("exp", now + 300);
        claims.put("jti", unsigned.meta().requiredId().toString());
        claims.put("thread", unsigned.meta().requiredThread().toString());
        claims.put("digest", unsigned.digestClaim());
        return claims;
    }

    String token(Map<String, Object> header, Map<String, Object> claims) {
        return token(json(header), json(claims));
    }

    String token(String header, String claims) {
        return token(header, claims, pair);
    }

    static String token(String header, String claims, KeyPair pair) {
        try {
            String content = base64(header) + "." + base64(claims);
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(pair.getPrivate());
            signature.update(content.getBytes(StandardCharsets.US_ASCII));
            return content + "." + Base64URL.encode(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static String json(Map<String, Object> members) {
        return RunningGateway.JSON.writeValueAsString(members);
    }

    static String base64(String text) {
        return Base64URL.encode(text.getBytes(StandardCharsets.UTF_8)).toString();
    }

    static String jwt(String token) {
        return "<jwt xmlns=\"https://xml-pipeline.org/ns/security/v1\">" + token + "</jwt>";
    }

    static String with(Envelope unsigned, String token) {
        return unsigned.xml().replace("</meta>", jwt(token) + "</meta>");
    }

    /** All is right with it. */
    String signed(Envelope unsigned) {
        return with(unsigned, token(header(), claims(unsigned)));
    }

    /** Without an API key: the signature alone says who it is. */
    Answer send(String xml) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString(xml, StandardCharsets.UTF_8)));
    }
}
