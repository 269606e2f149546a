package io.agentserver.billing.console;

import io.agentserver.envelope.SigningKey;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * What the console remembers in a browser, sealed (AES-256-GCM) so that the browser can neither read nor change it, for a
 * purpose and until a time. Its key is derived from the platform's (HKDF, RFC 5869), so every pod opens what another sealed
 * and no pod remembers anything; a new platform key ends what the old one sealed. Safe on any thread.
 */
public final class SealedCookies {
    private static final byte[] INFO = "agentserver console cookies v1".getBytes(StandardCharsets.US_ASCII);
    private static final int NONCE = 12; // NIST SP 800-38D, 8.2
    private static final int TAG_BITS = 128;
    private static final String UNTIL = "until";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final SecretKey key;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public SealedCookies(SigningKey platform, Clock clock) {
        this.clock = clock;
        try {
            this.key = KDF.getInstance("HKDF-SHA256")
                    .deriveKey(
                            "AES",
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(platform.key().getEncoded())
                                    .thenExpand(INFO, 32));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK 25 has HKDF-SHA256", e);
        }
    }

    /** @param purpose without which the text cannot be opened */
    public String seal(String purpose, Map<String, String> content, Duration lifetime) {
        Map<String, Object> all = new LinkedHashMap<>(content);
        all.put(UNTIL, clock.instant().plus(lifetime).getEpochSecond());
        byte[] nonce = new byte[NONCE];
        random.nextBytes(nonce);
        try {
            byte[] hidden = cipher(Cipher.ENCRYPT_MODE, purpose, nonce).doFinal(JSON.writeValueAsBytes(all));
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(ByteBuffer.allocate(NONCE + hidden.length)
                            .put(nonce)
                            .put(hidden)
                            .array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM failed to seal", e);
        }
    }

    /** Empty for anything but what was sealed for this purpose and still holds. */
    public Optional<Map<String, String>> open(String purpose, String text) {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(text);
            if (bytes.length <= NONCE) {
                return Optional.empty();
            }
            byte[] nonce = java.util.Arrays.copyOf(bytes, NONCE);
            JsonNode content = JSON.readTree(
                    cipher(Cipher.DECRYPT_MODE, purpose, nonce).doFinal(bytes, NONCE, bytes.length - NONCE));
            if (content.path(UNTIL).asLong(0) <= clock.instant().getEpochSecond()) {
                return Optional.empty();
            }
            Map<String, String> opened = new LinkedHashMap<>();
            content.properties()
                    .forEach(member ->
                            opened.put(member.getKey(), member.getValue().asString()));
            opened.remove(UNTIL);
            return Optional.of(opened);
        } catch (IllegalArgumentException | GeneralSecurityException | JacksonException e) {
            return Optional.empty(); // forged, of another key, or cut: all the same refusal
        }
    }

    private Cipher cipher(int mode, String purpose, byte[] nonce) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(purpose.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}
