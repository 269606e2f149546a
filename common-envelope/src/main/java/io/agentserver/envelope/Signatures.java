package io.agentserver.envelope;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import org.jspecify.annotations.Nullable;

import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;

/**
 * Raw JWS signatures (RFC 7518, RFC 8037) through JCA: Amazon Corretto Crypto Provider where its native library exists,
 * the JDK's own providers elsewhere. Safe on any thread.
 */
final class Signatures {
    static {
        // read when the provider is loaded: it keeps its own keys' factory for Ed25519 to itself otherwise
        System.setProperty("com.amazon.corretto.crypto.provider.registerEdKeyFactory", "true");
    }

    private static final @Nullable Provider FAST = fast();

    /**
     * Private keys as the fast provider has them, by the key that was loaded, for as long as that is in use. Given another's, it reads that anew
     * for each signature, which for Ed25519 takes as long as signing (8 of 18 µs on one core).
     */
    private static final Cache<PrivateKey, PrivateKey> PREPARED =
            Caffeine.newBuilder().weakKeys().build();

    private Signatures() {}

    static byte[] sign(JwsAlgorithm algorithm, PrivateKey key, byte[] content) {
        return sign(FAST, algorithm, PREPARED.get(key, loaded -> prepared(FAST, loaded)), content);
    }

    /** The provider's own form of a key, where it has one. */
    static PrivateKey prepared(@Nullable Provider provider, PrivateKey key) {
        if (provider == null || provider.getService("KeyFactory", key.getAlgorithm()) == null) {
            return key;
        }
        try {
            Key own = KeyFactory.getInstance(key.getAlgorithm(), provider).translateKey(key);
            return own instanceof PrivateKey translated ? translated : key;
        } catch (GeneralSecurityException e) {
            return key; // signing has the words for a key that it does not take
        }
    }

    /** @param provider null: the JDK's own, in its order */
    static byte[] sign(@Nullable Provider provider, JwsAlgorithm algorithm, PrivateKey key, byte[] content) {
        try {
            Signature signature = instance(provider, algorithm);
            signature.initSign(key);
            signature.update(content);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("signing with a key that was checked when it was loaded", e);
        }
    }

    /** Whether the signature is the key's over the content; false for bytes that are no signature at all. */
    static boolean verify(JwsAlgorithm algorithm, PublicKey key, byte[] content, byte[] signatureBytes) {
        return verify(FAST, algorithm, key, content, signatureBytes);
    }

    /** @param provider null: the JDK's own, in its order */
    static boolean verify(
            @Nullable Provider provider, JwsAlgorithm algorithm, PublicKey key, byte[] content, byte[] signatureBytes) {
        if (algorithm == JwsAlgorithm.ES256 && signatureBytes.length != 64
                || algorithm == JwsAlgorithm.EdDSA && signatureBytes.length != 64) {
            return false;
        }
        try {
            Signature signature = instance(provider, algorithm);
            signature.initVerify(key);
            signature.update(content);
            return signature.verify(signatureBytes);
        } catch (SignatureException | InvalidKeyException e) {
            return false; // a key that the provider does not take has signed nothing
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every provider here knows " + algorithm.jcaName(), e);
        }
    }

    /** Null where it has no native library for this machine. */
    static @Nullable Provider fast() {
        AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
        return provider.getLoadingError() == null ? provider : null;
    }

    private static Signature instance(@Nullable Provider provider, JwsAlgorithm algorithm)
            throws GeneralSecurityException {
        if (provider != null && provider.getService("Signature", algorithm.jcaName()) != null) {
            return Signature.getInstance(algorithm.jcaName(), provider);
        }
        return Signature.getInstance(algorithm.jcaName());
    }
}
