package io.agentserver.sealing;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A data key of a tenant, in the clear: AES-256-GCM with a random nonce for each value (NIST SP 800-38D: fewer than 2^32 values under
 * one key). Sealed bytes are the format's version, one byte, then the nonce, the ciphertext and the tag. Safe on any thread.
 */
public final class TenantKey {
    public static final int BYTES = 32;

    private static final byte VERSION = 1;
    private static final int NONCE = 12;
    private static final int TAG = 16;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final String id;
    private final SecretKey key;

    /** @param key {@value #BYTES} bytes */
    public TenantKey(String id, byte[] key) {
        if (key.length != BYTES) {
            throw new IllegalArgumentException("a data key has " + BYTES + " bytes; this one has " + key.length);
        }
        this.id = id;
        this.key = new SecretKeySpec(key, "AES");
    }

    /** Stands beside whatever is sealed with it. */
    public String id() {
        return id;
    }

    /** @param associated what the value is bound to: it is opened with the same or not at all */
    public byte[] seal(byte[] value, List<String> associated) {
        byte[] nonce = new byte[NONCE];
        RANDOM.nextBytes(nonce);
        try {
            byte[] hidden = cipher(Cipher.ENCRYPT_MODE, nonce, associated).doFinal(value);
            return ByteBuffer.allocate(1 + NONCE + hidden.length)
                    .put(VERSION)
                    .put(nonce)
                    .put(hidden)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM failed to seal", e);
        }
    }

    /** Empty for anything but what was sealed with this key and these associated data. */
    public Optional<byte[]> open(byte[] sealed, List<String> associated) {
        if (sealed.length < 1 + NONCE + TAG || sealed[0] != VERSION) {
            return Optional.empty();
        }
        byte[] nonce = Arrays.copyOfRange(sealed, 1, 1 + NONCE);
        try {
            return Optional.of(cipher(Cipher.DECRYPT_MODE, nonce, associated)
                    .doFinal(sealed, 1 + NONCE, sealed.length - 1 - NONCE));
        } catch (GeneralSecurityException forged) {
            return Optional.empty(); // or of another key, or cut: whoever asked says what that means
        }
    }

    /** Each with its length before it, so that no two lists are the same bytes. */
    private Cipher cipher(int mode, byte[] nonce, List<String> associated) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(TAG * 8, nonce));
        cipher.updateAAD(new byte[] {VERSION});
        for (String each : associated) {
            byte[] bytes = each.getBytes(StandardCharsets.UTF_8);
            cipher.updateAAD(ByteBuffer.allocate(4).putInt(bytes.length).array());
            cipher.updateAAD(bytes);
        }
        return cipher;
    }

    @Override
    public String toString() {
        return "TenantKey[" + id + "]"; // never the key
    }
}
