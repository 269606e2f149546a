package io.agentserver.envelope;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The three algorithms by both providers, Corretto's and the JDK's: what one signs the other takes, and neither takes anything else. */
class SignaturesTest {
    private static final byte[] CONTENT = "header.claims".getBytes(StandardCharsets.US_ASCII);
    private static final BigInteger ED25519_ORDER =
            BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));

    /** Where Corretto's has no native library, it is the JDK's twice. */
    private static List<@Nullable Provider> providers() {
        List<@Nullable Provider> providers = new ArrayList<>();
        providers.add(null);
        providers.add(Signatures.fast());
        return providers;
    }

    @Test
    void corretto_s_provider_has_all_three_where_its_library_is_shipped() {
        assumeTrue(
                System.getProperty("os.name").toLowerCase(Locale.ROOT).equals("linux")
                        && System.getProperty("os.arch").equals("amd64"),
                "its library is shipped for Linux on x86-64");
        Provider fast = Objects.requireNonNull(Signatures.fast(), "its library cannot be loaded");
        for (JwsAlgorithm algorithm : JwsAlgorithm.values()) {
            assertThat(fast.getService("Signature", algorithm.jcaName()))
                    .as(algorithm.name())
                    .isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_one_provider_signs_the_other_takes(JwsAlgorithm algorithm) throws Exception {
        KeyPair pair = pair(algorithm);
        for (@Nullable Provider signer : providers()) {
            byte[] signature = Signatures.sign(signer, algorithm, pair.getPrivate(), CONTENT);
            assertThat(signature).hasSize(algorithm == JwsAlgorithm.RS256 ? 256 : 64);
            for (@Nullable Provider verifier : providers()) {
                assertThat(Signatures.verify(verifier, algorithm, pair.getPublic(), CONTENT, signature))
                        .as("by %s, of %s", verifier, signer)
                        .isTrue();
            }
        }
    }

    /** Or it would read the key anew for each signature. */
    @ParameterizedTest
    @EnumSource
    void corretto_s_provider_is_given_keys_of_its_own(JwsAlgorithm algorithm) throws Exception {
        @Nullable Provider fast = Signatures.fast();
        assumeTrue(fast != null, "its library is not shipped for this machine");
        KeyPair pair = pair(algorithm);

        PrivateKey own = Signatures.prepared(fast, pair.getPrivate());

        assertThat(own.getClass().getPackage())
                .isEqualTo(Objects.requireNonNull(fast).getClass().getPackage());
        byte[] signature = Signatures.sign(fast, algorithm, own, CONTENT);
        assertThat(Signatures.verify(null, algorithm, pair.getPublic(), CONTENT, signature))
                .isTrue();
        assertThat(Signatures.prepared(fast, own).getClass()).isEqualTo(own.getClass());
        assertThat(Signatures.prepared(null, pair.getPrivate())).isSameAs(pair.getPrivate());
    }

    @ParameterizedTest
    @EnumSource
    void no_provider_takes_another_signature(JwsAlgorithm algorithm) throws Exception {
        KeyPair pair = pair(algorithm);
        byte[] right = Signatures.sign(algorithm, pair.getPrivate(), CONTENT);
        List<byte[]> wrong = new ArrayList<>(List.of(
                new byte[0],
                new byte[64],
                new byte[256],
                Arrays.copyOf(right, right.length - 1),
                Arrays.copyOf(right, right.length + 1)));
        for (int i = 0; i < right.length; i += 7) {
            byte[] changed = right.clone();
            changed[i] ^= 1;
            wrong.add(changed);
        }
        if (algorithm == JwsAlgorithm.EdDSA) {
            wrong.add(withOrderAdded(right));
        }
        for (@Nullable Provider provider : providers()) {
            for (byte[] signature : wrong) {
                assertThat(Signatures.verify(provider, algorithm, pair.getPublic(), CONTENT, signature))
                        .as("%s: %s", provider, HexFormat.of().formatHex(signature))
                        .isFalse();
            }
            byte[] other = "header.claimz".getBytes(StandardCharsets.US_ASCII);
            assertThat(Signatures.verify(provider, algorithm, pair.getPublic(), other, right))
                    .isFalse();
        }
    }

    /** Every encoding of the eight points whose order divides 8, those that are not canonical too. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0100000000000000000000000000000000000000000000000000000000000000",
                "0100000000000000000000000000000000000000000000000000000000000080",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000080",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            })
    void ed25519_points_of_small_order_are_refused(String point) {
        assertUnfit("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"alg\":\"EdDSA\",\"x\":\""
                + base64(HexFormat.of().parseHex(point)) + "\"}");
    }

    @Test
    void p_256_points_that_are_none_are_refused() throws Exception {
        BigInteger p = new BigInteger("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16);
        BigInteger x = new BigInteger("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16);
        BigInteger y = new BigInteger("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 16);
        assertThat(VerificationKey.ofJwk(p256(x, y)).algorithm()).isEqualTo(JwsAlgorithm.ES256); // the base point
        for (String jwk : List.of(
                p256(x, y.add(BigInteger.ONE)),
                p256(BigInteger.ZERO, BigInteger.ZERO),
                p256(x, BigInteger.ZERO),
                p256(p, y),
                p256(x, p.add(BigInteger.ONE)),
                p256(x, y).replace("P-256", "secp256k1"),
                p256(x, y).replace("P-256", "P-384"))) {
            assertUnfit(jwk);
        }
    }

    private static void assertUnfit(String jwk) {
        assertThatThrownBy(() -> VerificationKey.ofJwk(jwk)).as(jwk).isInstanceOf(VerificationKey.Unfit.class);
    }

    private static String p256(BigInteger x, BigInteger y) {
        return "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"alg\":\"ES256\",\"x\":\"" + base64(wide(x))
                + "\",\"y\":\"" + base64(wide(y)) + "\"}";
    }

    private static byte[] wide(BigInteger number) {
        byte[] bytes = new byte[32];
        byte[] digits = number.toByteArray();
        int length = Math.min(32, digits.length);
        System.arraycopy(digits, digits.length - length, bytes, 32 - length, length);
        return bytes;
    }

    /** The same equation holds for it: only the bound of RFC 8032, 5.1.7 refuses it. */
    private static byte[] withOrderAdded(byte[] signature) {
        byte[] changed = signature.clone();
        byte[] s = new byte[32];
        for (int i = 0; i < 32; i++) {
            s[i] = signature[63 - i];
        }
        byte[] sum = wide(new BigInteger(1, s).add(ED25519_ORDER));
        for (int i = 0; i < 32; i++) {
            changed[63 - i] = sum[i];
        }
        return changed;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static KeyPair pair(JwsAlgorithm algorithm) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(
                switch (algorithm) {
                    case EdDSA -> "Ed25519";
                    case ES256 -> "EC";
                    case RS256 -> "RSA";
                });
        if (algorithm == JwsAlgorithm.ES256) {
            generator.initialize(new ECGenParameterSpec("secp256r1"));
        } else if (algorithm == JwsAlgorithm.RS256) {
            generator.initialize(2048);
        }
        return generator.generateKeyPair();
    }
}
