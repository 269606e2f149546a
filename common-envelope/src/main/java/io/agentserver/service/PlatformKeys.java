package io.agentserver.service;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.VerificationKey;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.text.ParseException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * The platform's own Ed25519 keys, from a JWK Set (RFC 7517, RFC 8037) in a file: the first signs, all verify, so that a
 * new one can be put in front while pods still hold the old one. From the private half of each, keys for other purposes are derived:
 * what was sealed under an older one opens for as long as that stands in the file, its private half too.
 */
public final class PlatformKeys {
    private static final byte[] PKCS8_PREFIX = HexFormat.of().parseHex("302e020100300506032b657004220420");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final SigningKey signing;
    private final List<Half> halves;
    private final List<VerificationKey> verifying;
    private final String publicJwks;

    /** A private half, as what signs and as it stands in the file. */
    private static final class Half {
        private final SigningKey key;
        private final byte[] seed;

        Half(SigningKey key, byte[] seed) {
            this.key = key;
            this.seed = seed;
        }
    }

    private PlatformKeys(List<Half> halves, List<VerificationKey> verifying, String publicJwks) {
        this.signing = halves.getFirst().key;
        this.halves = List.copyOf(halves);
        this.verifying = List.copyOf(verifying);
        this.publicJwks = publicJwks;
    }

    /** @throws IllegalArgumentException with one line that names the file and the remedy */
    public static PlatformKeys load(Path file) {
        try {
            JsonNode keys = JSON.readTree(Files.readString(file)).path("keys");
            if (!keys.isArray() || keys.isEmpty()) {
                throw new IllegalArgumentException(file + " holds no keys: a JWK Set with an Ed25519 key is needed");
            }
            List<Half> halves = new ArrayList<>();
            List<VerificationKey> verifying = new ArrayList<>();
            List<Map<String, Object>> published = new ArrayList<>();
            for (JsonNode key : keys) {
                OctetKeyPair pair = OctetKeyPair.parse(key.toString());
                if (pair.getD() != null || halves.isEmpty()) { // the first must have one
                    halves.add(half(pair));
                }
                published.add(pair.toPublicJWK().toJSONObject());
                verifying.add(VerificationKey.ofJwk(pair.toPublicJWK().toJSONString()));
            }
            PlatformKeys loaded =
                    new PlatformKeys(halves, verifying, JSON.writeValueAsString(Map.of("keys", published)));
            loaded.requireFittingHalves(file);
            return loaded;
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    Setting.AGENTSERVER_PLATFORM_KEY + "=" + file + " cannot be read: name a readable JWK Set file", e);
        } catch (JacksonException | ParseException | VerificationKey.Unfit | GeneralSecurityException e) {
            throw new IllegalArgumentException(
                    Setting.AGENTSERVER_PLATFORM_KEY + "=" + file + " is no JWK Set of Ed25519 keys with kid and alg",
                    e);
        }
    }

    /**
     * Signs and verifies once with each: what a key signs is verified by what is published. It also makes the provider test itself
     * now, while nobody waits; it reads its test vectors from its jar.
     */
    private void requireFittingHalves(Path file) {
        ServiceTokens tokens = new ServiceTokens(this, Clock.systemUTC());
        for (Half half : halves) {
            String token =
                    ServiceToken.issue(half.key, ServiceTokens.PLATFORM, ServiceTokens.BUFFER, Clock.systemUTC());
            if (tokens.read(token).isEmpty()) {
                throw new IllegalArgumentException(file + ": "
                        + (half.key.equals(signing) ? "the first key's d" : "the d of key " + half.key.kid())
                        + " does not belong to its x, or another key has its kid");
            }
        }
    }

    /** Writes a new key to a file that only its owner can read; an existing file stays as it is. */
    public static void createIfAbsent(Path file) throws IOException {
        if (Files.exists(file)) {
            return;
        }
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            byte[] x = tail(pair.getPublic().getEncoded());
            byte[] d = tail(pair.getPrivate().getEncoded());
            OctetKeyPair jwk = new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(x))
                    .d(Base64URL.encode(d))
                    .keyID(Ids.v7().toString())
                    .algorithm(com.nimbusds.jose.JWSAlgorithm.EdDSA)
                    .build();
            String json = JSON.writeValueAsString(Map.of("keys", List.of(jwk.toJSONObject())));
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.write(fresh, json.getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
            Files.move(fresh, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK since 15 has Ed25519", e);
        }
    }

    public SigningKey signing() {
        return signing;
    }

    /**
     * A key of 32 bytes for one purpose alone, from each private half (HKDF-SHA256, RFC 5869), by kid; the first is the signing key's.
     * The same in every process that has the same file.
     */
    public SequencedMap<String, byte[]> derive(String purpose) {
        SequencedMap<String, byte[]> derived = new LinkedHashMap<>();
        for (Half half : halves) {
            try {
                derived.put(
                        half.key.kid(),
                        KDF.getInstance("HKDF-SHA256")
                                .deriveData(HKDFParameterSpec.ofExtract()
                                        .addIKM(half.seed)
                                        .thenExpand(purpose.getBytes(StandardCharsets.UTF_8), 32)));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("every JDK 25 has HKDF-SHA256", e);
            }
        }
        return derived;
    }

    public Optional<VerificationKey> find(String kid) {
        return verifying.stream().filter(k -> k.kid().equals(kid)).findFirst();
    }

    /** The public halves, for {@code /.well-known/jwks.json}. */
    public String publicJwks() {
        return publicJwks;
    }

    private static Half half(OctetKeyPair pair) throws GeneralSecurityException {
        if (pair.getD() == null) {
            throw new GeneralSecurityException("the first key has no private half");
        }
        byte[] d = pair.getD().decode();
        byte[] encoded = Arrays.copyOf(PKCS8_PREFIX, PKCS8_PREFIX.length + d.length);
        System.arraycopy(d, 0, encoded, PKCS8_PREFIX.length, d.length);
        PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(encoded));
        return new Half(new SigningKey(pair.getKeyID(), JwsAlgorithm.EdDSA, key), d);
    }

    /** The last 32 bytes of an Ed25519 key's X.509 or PKCS #8 form are the key. */
    private static byte[] tail(byte[] encoded) {
        return Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
    }
}
