package io.agentserver.service;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The platform's own Ed25519 keys, from a JWK Set (RFC 7517, RFC 8037) in a file: the first signs, all verify, so that a
 * new one can be put in front while pods still hold the old one.
 */
public final class PlatformKeys {
    private static final byte[] PKCS8_PREFIX = HexFormat.of().parseHex("302e020100300506032b657004220420");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final SigningKey signing;
    private final List<VerificationKey> verifying;
    private final String publicJwks;

    private PlatformKeys(SigningKey signing, List<VerificationKey> verifying, String publicJwks) {
        this.signing = signing;
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
            SigningKey signing = null;
            List<VerificationKey> verifying = new ArrayList<>();
            List<Map<String, Object>> published = new ArrayList<>();
            for (JsonNode key : keys) {
                OctetKeyPair pair = OctetKeyPair.parse(key.toString());
                if (signing == null) {
                    signing = new SigningKey(pair.getKeyID(), JwsAlgorithm.EdDSA, privateKey(pair));
                }
                published.add(pair.toPublicJWK().toJSONObject());
                verifying.add(VerificationKey.ofJwk(pair.toPublicJWK().toJSONString()));
            }
            if (signing == null) {
                throw new IllegalArgumentException(file + " holds no key that can sign");
            }
            PlatformKeys loaded =
                    new PlatformKeys(signing, verifying, JSON.writeValueAsString(Map.of("keys", published)));
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
     * Signs and verifies once: what this key signs is verified by what is published. It also makes the provider test itself
     * now, while nobody waits; it reads its test vectors from its jar.
     */
    private void requireFittingHalves(Path file) {
        ServiceTokens tokens = new ServiceTokens(this, Clock.systemUTC());
        String token = tokens.issue(ServiceTokens.PLATFORM, ServiceTokens.BUFFER);
        if (tokens.read(token).isEmpty()) {
            throw new IllegalArgumentException(
                    file + ": the first key's d does not belong to its x, or another key has its kid");
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

    public Optional<VerificationKey> find(String kid) {
        return verifying.stream().filter(k -> k.kid().equals(kid)).findFirst();
    }

    /** The public halves, for {@code /.well-known/jwks.json}. */
    public String publicJwks() {
        return publicJwks;
    }

    private static PrivateKey privateKey(OctetKeyPair pair) throws GeneralSecurityException {
        if (pair.getD() == null) {
            throw new GeneralSecurityException("the first key has no private half");
        }
        byte[] d = pair.getD().decode();
        byte[] encoded = Arrays.copyOf(PKCS8_PREFIX, PKCS8_PREFIX.length + d.length);
        System.arraycopy(d, 0, encoded, PKCS8_PREFIX.length, d.length);
        return KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }

    /** The last 32 bytes of an Ed25519 key's X.509 or PKCS #8 form are the key. */
    private static byte[] tail(byte[] encoded) {
        return Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
    }
}
