package io.agentserver.gateway;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.tenancy.TenantEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** What whoever holds a key can do to the tenant's keys, and what not. */
@ExtendWith(GatewayExtension.class)
class KeysTest {
    /** Each curve's base point: RFC 8032, 5.1, and FIPS 186-4, D.1.2.3. */
    private static final String ED25519_BASE = "58" + "66".repeat(31);

    private static final BigInteger P256_X =
            new BigInteger("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16);
    private static final BigInteger P256_Y =
            new BigInteger("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 16);

    private final RunningGateway gateway;
    private String tenant = "";
    private String key = "";

    KeysTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant() {
        tenant = "k" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
    }

    @Test
    void refuses_to_rotate_a_key_that_may_do_more_than_the_one_that_asks() {
        String first = gateway.entry(tenant).apiKeys().getFirst().id();
        Answer narrow = issue("\"scopes\":[\"keys:write\"]");
        String secret = narrow.json().path("secret").asString();

        Answer refused = rotate(secret, first);
        assertThat(refused.status()).as(refused.body()).isEqualTo(403);
        assertThat(refused.problem()).isEqualTo("forbidden");
        assertThat(gateway.entry(tenant).apiKeys()).hasSize(2);

        assertThat(rotate(secret, narrow.json().path("id").asString()).status()).isEqualTo(201);
        assertThat(rotate(key, first).json().path("scopes").size()).isGreaterThan(1);
    }

    @Test
    void gives_a_successor_the_name_the_scopes_and_the_end_of_its_key() {
        Answer old = issue("\"scopes\":[\"keys:write\"],\"expires_at\":\"2998-01-31T00:00:00Z\"");
        Answer successor = rotate(key, old.json().path("id").asString());

        for (String member : List.of("name", "scopes", "expires_at")) {
            assertThat(successor.json().path(member))
                    .as(member)
                    .isEqualTo(old.json().path(member));
        }
        assertThat(successor.json().path("secret").asString()).startsWith("as_live_");
        Answer both = gateway.get("/v1/keys", key);
        assertThat(both.json().path("data")).hasSize(3);
        assertThat(both.body().split("2998-01-31", -1))
                .as("the old one ends sooner")
                .hasSize(2);
        assertThat(rotate(key, "nobody").status()).isEqualTo(404);
    }

    @Test
    void takes_no_more_keys_than_an_entry_holds_and_forgets_the_revoked() {
        for (int i = 1; i < 100; i++) {
            assertThat(issue("\"scopes\":[\"keys:write\"]").status()).isEqualTo(201);
        }
        Answer refused = issue("\"scopes\":[\"keys:write\"]");
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.json().path("detail").asString()).contains("100", "revoke");
        TenantEntry.Key last = gateway.entry(tenant).apiKeys().getLast();
        assertThat(rotate(key, last.id()).status()).isEqualTo(409);

        assertThat(delete("/v1/keys/" + last.id()).status()).isEqualTo(204);
        assertThat(delete("/v1/keys/" + last.id()).status()).isEqualTo(404);
        assertThat(gateway.entry(tenant).apiKeys()).hasSize(99);
        assertThat(issue("\"scopes\":[\"keys:write\"]").status()).isEqualTo(201);
    }

    @Test
    void takes_twenty_signing_keys_and_remembers_the_deleted_for_what_they_have_signed() {
        List<Integer> statuses = IntStream.range(0, 20)
                .map(i -> register(jwk("k" + i)).status())
                .boxed()
                .toList();
        assertThat(statuses).containsOnly(201);
        Answer refused = register(jwk("k20"));
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.json().path("detail").asString()).contains("20", "delete");

        assertThat(delete("/v1/signing-keys/k0").status()).isEqualTo(204);
        assertThat(delete("/v1/signing-keys/k0").status()).isEqualTo(404);
        assertThat(register(jwk("k20")).status()).isEqualTo(201);
        assertThat(register(jwk("k0")).status()).as("a kid is no other key's").isEqualTo(409);
        for (int i = 0; i < 60; i++) {
            assertThat(delete("/v1/signing-keys/k" + (20 + i)).status()).isEqualTo(204);
            assertThat(register(jwk("k" + (21 + i))).status()).isEqualTo(201);
        }
        List<TenantEntry.OrgKey> kept = gateway.entry(tenant).signingKeys();
        assertThat(kept.stream().filter(k -> k.deletedAt() == null)).hasSize(20);
        assertThat(kept.stream().filter(k -> k.deletedAt() != null))
                .as("the latest of them")
                .hasSize(50)
                .noneMatch(k -> k.kid().equals("k0"))
                .anyMatch(k -> k.kid().equals("k79"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"x5u\":\"https://x.example/\"",
                "\"x5c\":[\"AAAA\"]",
                "\"x5t\":\"AAAA\"",
                "\"x5t#S256\":\"AAAA\""
            })
    void refuses_a_jwk_with_certificates(String member) {
        Answer refused = register(jwk("k").replace("{", "{" + member + ","));
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
        assertThat(gateway.entry(tenant).signingKeys()).isEmpty();
    }

    /** Made as those below are, which would else show nothing. */
    @Test
    void takes_keys_of_each_algorithm() {
        for (String good : List.of(rsa(2048, 0), p256(P256_X, P256_Y), ed25519(ED25519_BASE))) {
            Answer taken = register(good);
            assertThat(taken.status()).as(good + taken.body()).isEqualTo(201);
        }
    }

    static Stream<Arguments> unfit() {
        String none = "not a public JWK";
        Stream<Arguments> others = Stream.of(
                Arguments.of("use: must be sig", jwk("k").replace("{", "{\"use\":\"enc\",")),
                Arguments.of(none, jwk("k").replace("{", "{\"use\":\"\",")),
                Arguments.of("use: must be sig", jwk("k").replace("{", "{\"use\":\"SIG\",")),
                Arguments.of("2,048", rsa(1024, 0)),
                Arguments.of("2,048", rsa(2040, 0)),
                Arguments.of("2,048", rsa(2047, 0)),
                Arguments.of("2,048", rsa(1024, 128)), // 256 bytes, half of them zeros
                Arguments.of(none, p256(P256_X, P256_Y.add(BigInteger.ONE))),
                Arguments.of(none, p256(P256_X, BigInteger.ZERO)),
                Arguments.of(none, p256(BigInteger.ZERO, BigInteger.ZERO)));
        Stream<Arguments> points = Stream.of(
                        // of small order, also as no canonical encoding has them
                        "0100000000000000000000000000000000000000000000000000000000000000",
                        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                        "0000000000000000000000000000000000000000000000000000000000000000",
                        "0000000000000000000000000000000000000000000000000000000000000080",
                        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                        // off the curve
                        "0200000000000000000000000000000000000000000000000000000000000000",
                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
                .map(x -> Arguments.of("x: ", ed25519(x)));
        return Stream.concat(others, points);
    }

    @ParameterizedTest
    @MethodSource("unfit")
    void refuses_a_key_that_proves_nothing(String why, String jwk) {
        Answer refused = register(jwk);
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
        assertThat(refused.problem()).isEqualTo("invalid-key");
        assertThat(refused.json().path("detail").asString()).contains(why);
        assertThat(gateway.entry(tenant).signingKeys()).isEmpty();
    }

    private static String rsa(int bits, int zeros) {
        byte[] modulus = new byte[zeros + bits / 8 + (bits % 8 == 0 ? 0 : 1)];
        byte[] digits = BigInteger.TWO.pow(bits - 1).setBit(0).toByteArray();
        int length = Math.min(digits.length, modulus.length - zeros); // without the sign's byte
        System.arraycopy(digits, digits.length - length, modulus, modulus.length - length, length);
        return "{\"kty\":\"RSA\",\"kid\":\"rsa\",\"alg\":\"RS256\",\"e\":\"AQAB\",\"n\":\"" + Base64URL.encode(modulus)
                + "\"}";
    }

    private static String p256(BigInteger x, BigInteger y) {
        return "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\",\"alg\":\"ES256\",\"x\":\""
                + ECKey.encodeCoordinate(256, x) + "\",\"y\":\"" + ECKey.encodeCoordinate(256, y) + "\"}";
    }

    private static String ed25519(String point) {
        return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"alg\":\"EdDSA\",\"x\":\""
                + Base64URL.encode(HexFormat.of().parseHex(point)) + "\"}";
    }

    @Test
    void keeps_of_a_jwk_what_verifies_and_no_more() {
        String more = "{\"use\":\"sig\",\"key_ops\":[\"verify\"],";
        assertThat(register(jwk("k").replace("{", more)).status()).isEqualTo(201);
        ObjectNode kept = (ObjectNode) RunningGateway.JSON.readTree(
                gateway.entry(tenant).signingKeys().getFirst().jwk());
        assertThat(kept.propertyNames()).containsExactlyInAnyOrder("kty", "crv", "x", "kid", "alg");
    }

    @Test
    void registering_a_signing_key_takes_the_right_to_send_what_it_signs() {
        String keysOnly =
                issue("\"scopes\":[\"keys:write\"]").json().path("secret").asString();
        Answer refused = gateway.post("/v1/signing-keys", keysOnly, "application/json", jwk("k-only"));
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.body()).contains("messages:write");
        String both = issue("\"scopes\":[\"keys:write\",\"messages:write\"]")
                .json()
                .path("secret")
                .asString();
        assertThat(gateway.post("/v1/signing-keys", both, "application/json", jwk("k-both"))
                        .status())
                .isEqualTo(201);
        assertThat(gateway.delete("/v1/signing-keys/k-both", keysOnly).status())
                .as("taking a right away needs less than giving it")
                .isEqualTo(204);
    }

    private Answer issue(String members) {
        return gateway.post("/v1/keys", key, "application/json", "{\"name\":\"another\"," + members + "}");
    }

    private Answer rotate(String secret, String id) {
        return gateway.post("/v1/keys/" + id + "/rotate", secret, "application/json", "");
    }

    private Answer register(String jwk) {
        return gateway.post("/v1/signing-keys", key, "application/json", jwk);
    }

    private Answer delete(String path) {
        return gateway.send(
                gateway.request(path).header("Authorization", "Bearer " + key).DELETE());
    }

    static String jwk(String kid) {
        try {
            byte[] encoded = KeyPairGenerator.getInstance("Ed25519")
                    .generateKeyPair()
                    .getPublic()
                    .getEncoded();
            return new OctetKeyPair.Builder(
                            Curve.Ed25519,
                            Base64URL.encode(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length)))
                    .keyID(kid)
                    .algorithm(JWSAlgorithm.EdDSA)
                    .build()
                    .toJSONString();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
