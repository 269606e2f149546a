package io.agentserver.envelope;

import io.agentserver.envelope.EnvelopeToken.Keys;
import io.agentserver.envelope.EnvelopeToken.Verification.Refused;
import io.agentserver.envelope.EnvelopeToken.Verification.Verified;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class EnvelopeTokenTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final Clock NOW = Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);

    private final EnvelopeToken tokens = new EnvelopeToken(NOW);
    private SigningKey signing;
    private Keys keys;

    @BeforeEach
    void aKey() throws Exception {
        use(JwsAlgorithm.EdDSA);
    }

    @ParameterizedTest
    @EnumSource(JwsAlgorithm.class)
    void an_org_s_own_signature_verifies(JwsAlgorithm algorithm) throws Exception {
        use(algorithm);
        Envelope signed = tokens.signAsOrg(document(), ACME, signing);
        assertThat(tokens.verifyAtAdmission(document(signed), keys)).isEqualTo(new Verified(ACME, 0));
    }

    @Test
    void the_platform_signs_for_a_client() {
        Envelope signed = tokens.signForClient(document(), ACME, signing);
        assertThat(tokens.verifyAtAdmission(document(signed), keys)).isEqualTo(new Verified(ACME, 0));
    }

    @Test
    void an_output_is_signed_as_the_canonicaliser_would_write_it() {
        Envelope unsigned = output();
        Envelope signed = tokens.signOutput(unsigned, ACME, signing, 7);
        assertThat(readBack(signed)).isEqualTo(signed);
        assertThat(tokens.verifyOnLog(readBack(signed), keys)).isEqualTo(new Verified(ACME, 7));
    }

    @Test
    void an_output_s_token_admits_nothing() {
        Envelope signed = tokens.signOutput(output(), ACME, signing, 7);
        assertThat(tokens.verifyAtAdmission(document(signed), keys)).isInstanceOf(Refused.class);
    }

    @Test
    void one_changed_byte_is_refused() {
        Envelope signed = tokens.signAsOrg(document(), ACME, signing);
        Envelope changed = EnvelopeDocument.readOwn(signed.xml().replace("World", "Wor1d"));
        assertThat(tokens.verifyAtAdmission(document(changed), keys)).isEqualTo(new Refused("digest"));
    }

    @Test
    void the_key_decides_the_algorithm() {
        for (String algorithm : new String[] {"none", "HS256", "RS256", "ES256"}) {
            Envelope forged = withHeader(Map.of("alg", algorithm, "kid", signing.kid(), "typ", "envelope+jwt"));
            assertThat(tokens.verifyAtAdmission(document(forged), keys)).isInstanceOf(Refused.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jku", "x5u", "jwk", "x5c", "crit"})
    void headers_that_point_elsewhere_are_refused(String member) {
        Envelope forged =
                withHeader(Map.of("alg", "EdDSA", "kid", signing.kid(), "typ", "envelope+jwt", member, "https://evil"));
        assertThat(tokens.verifyAtAdmission(document(forged), keys)).isInstanceOf(Refused.class);
    }

    @Test
    void sloppy_spellings_are_refused() {
        Envelope signed = tokens.signAsOrg(document(), ACME, signing);
        String token = String.valueOf(signed.meta().jwt());
        for (String sloppy : new String[] {
            token + "=", token + ".x", token.replaceFirst("\\.", ".."), "", "a.b", lastBitsSet(token), token + "\n"
        }) {
            assertThat(CompactJws.parse(sloppy)).as(sloppy).isEmpty();
        }
        assertThat(CompactJws.parse(token)).isPresent();
    }

    @Test
    void duplicate_members_are_refused() {
        String header = base64("{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"envelope+jwt\"}");
        assertThat(CompactJws.parse(header + "." + base64("{}") + "." + base64("x")))
                .isEmpty();
    }

    @Test
    void json_in_another_encoding_than_utf_8_is_refused() {
        String header = "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"envelope+jwt\"}";
        assertThat(CompactJws.parse(base64(header) + "." + base64("{}") + ".AAAA"))
                .isPresent();
        for (byte[] other : List.of(
                header.getBytes(StandardCharsets.UTF_16LE),
                header.getBytes(StandardCharsets.UTF_16),
                header.replace("\"alg", "\"\u00FFalg").getBytes(StandardCharsets.ISO_8859_1),
                ("\uFEFF" + header).getBytes(StandardCharsets.UTF_8))) {
            String encoded = Base64.getUrlEncoder().withoutPadding().encodeToString(other);
            assertThat(CompactJws.parse(encoded + "." + base64("{}") + ".AAAA"))
                    .as(encoded)
                    .isEmpty();
        }
    }

    @Test
    void time_is_judged_at_admission_alone() {
        Envelope signed = tokens.signAsOrg(document(), ACME, signing);
        EnvelopeToken late = new EnvelopeToken(Clock.offset(NOW, Duration.ofSeconds(361)));
        EnvelopeToken justInTime = new EnvelopeToken(Clock.offset(NOW, Duration.ofSeconds(360)));
        EnvelopeToken early = new EnvelopeToken(Clock.offset(NOW, Duration.ofSeconds(-61)));
        assertThat(late.verifyAtAdmission(document(signed), keys)).isInstanceOf(Refused.class);
        assertThat(early.verifyAtAdmission(document(signed), keys)).isInstanceOf(Refused.class);
        assertThat(justInTime.verifyAtAdmission(document(signed), keys)).isInstanceOf(Verified.class);
        assertThat(late.verifyOnLog(signed, keys)).isInstanceOf(Verified.class);
    }

    @Test
    void another_tenant_s_key_signs_nothing_for_this_one() {
        Envelope signed = tokens.signAsOrg(document(), new TenantId("other-org"), signing);
        Keys acmeOnly = (issuer, kid) -> issuer.equals("acme") ? keys.find(issuer, kid) : Optional.empty();
        assertThat(tokens.verifyAtAdmission(document(signed), acmeOnly)).isInstanceOf(Refused.class);
    }

    @Test
    void small_order_and_off_curve_points_are_refused() {
        String[] refused = {
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "0200000000000000000000000000000000000000000000000000000000000000",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        };
        for (String point : refused) {
            String x = Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(java.util.HexFormat.of().parseHex(point));
            String jwk = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"alg\":\"EdDSA\",\"x\":\"" + x + "\"}";
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> VerificationKey.ofJwk(jwk))
                    .as(point)
                    .isInstanceOf(VerificationKey.Unfit.class);
        }
    }

    @Test
    void rsa_keys_that_cannot_sign_are_refused() throws Exception {
        BigInteger odd = BigInteger.TWO.pow(2047).setBit(0);
        BigInteger usual = BigInteger.valueOf(65_537);
        assertThat(VerificationKey.ofJwk(rsa(odd, usual)).algorithm()).isEqualTo(JwsAlgorithm.RS256);
        for (String jwk : List.of(
                rsa(odd.clearBit(0), usual),
                rsa(BigInteger.TWO.pow(2046).setBit(0), usual),
                rsa(BigInteger.TWO.pow(8192).setBit(0), usual),
                rsa(odd, BigInteger.valueOf(3)),
                rsa(odd, usual.add(BigInteger.ONE)),
                rsa(odd, BigInteger.TWO.pow(300).setBit(0)))) {
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> VerificationKey.ofJwk(jwk))
                    .as(jwk)
                    .isInstanceOf(VerificationKey.Unfit.class);
        }
    }

    private static String rsa(BigInteger modulus, BigInteger exponent) {
        return "{\"kty\":\"RSA\",\"kid\":\"k\",\"alg\":\"RS256\",\"n\":\"" + base64url(modulus) + "\",\"e\":\""
                + base64url(exponent) + "\"}";
    }

    private static String base64url(BigInteger number) {
        byte[] bytes = number.toByteArray();
        int from = bytes[0] == 0 ? 1 : 0;
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(java.util.Arrays.copyOfRange(bytes, from, bytes.length));
    }

    @Test
    void a_usual_ed25519_key_may_be_registered() throws Exception {
        // RFC 8037, appendix A.2
        VerificationKey key =
                VerificationKey.ofJwk("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"alg\":\"EdDSA\","
                        + "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
        assertThat(key.algorithm()).isEqualTo(JwsAlgorithm.EdDSA);
    }

    private Envelope withHeader(Map<String, String> header) {
        Envelope signed = tokens.signAsOrg(document(), ACME, signing);
        String[] parts = String.valueOf(signed.meta().jwt()).split("\\.", -1);
        String forged = base64(tools.jackson.databind.json.JsonMapper.shared().writeValueAsString(header)) + "."
                + parts[1] + "." + parts[2];
        return EnvelopeDocument.readOwn(
                signed.xml().replace(String.valueOf(signed.meta().jwt()), forged));
    }

    private void use(JwsAlgorithm algorithm) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(
                switch (algorithm) {
                    case EdDSA -> "Ed25519";
                    case ES256 -> "EC";
                    case RS256 -> "RSA";
                });
        if (algorithm == JwsAlgorithm.ES256) {
            generator.initialize(new ECGenParameterSpec("secp256r1"));
        }
        KeyPair pair = generator.generateKeyPair();
        signing = new SigningKey("k1", algorithm, pair.getPrivate());
        VerificationKey verifying = new VerificationKey("k1", algorithm, pair.getPublic());
        keys = (issuer, kid) -> kid.equals("k1") ? Optional.of(verifying) : Optional.empty();
    }

    private static EnvelopeDocument document() {
        EnvelopeDocument document = ((Reading.Read) EnvelopeDocument.read(
                        ("<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>console</from></meta>"
                                        + "<Greeting xmlns=\"\"><Name>World</Name></Greeting></message>")
                                .getBytes(StandardCharsets.UTF_8),
                        XmlLimits.DEFAULT))
                .document();
        document.fill(new ThreadId(new UUID(1, 2)), new MessageId(new UUID(3, 4)));
        return document;
    }

    private static Envelope output() {
        Meta meta = Meta.ofOutput(
                "greeter",
                "shouter",
                new ThreadId(new UUID(1, 1)),
                new MessageId(new UUID(2, 2)),
                new ThreadId(new UUID(3, 3)),
                new MessageId(new UUID(4, 4)),
                new MessageId(new UUID(5, 5)));
        return ((Reading.Read) EnvelopeDocument.make(meta, "<P><Q>&lt;x</Q></P>"))
                .document()
                .toEnvelope();
    }

    private static Envelope readBack(Envelope envelope) {
        return EnvelopeDocument.readOwn(envelope.xml());
    }

    private static String lastBitsSet(String token) {
        char last = token.charAt(token.length() - 1);
        return token.substring(0, token.length() - 1) + (last == 'B' ? 'C' : 'B');
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static EnvelopeDocument document(Envelope envelope) {
        return ((Reading.Read) EnvelopeDocument.read(envelope.bytes(), XmlLimits.INSIDE)).document();
    }
}
