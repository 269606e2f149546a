package io.agentserver.envelope;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A JWS in compact form (RFC 7515), read strictly: three segments, base64url without padding or stray bits, no duplicate
 * members, a header of {@code alg}, {@code kid}, {@code typ} alone. Nothing is fetched because a token says so.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, never handed out
record CompactJws(String algorithm, String kid, String type, JsonNode claims, byte[] signedContent, byte[] signature) {
    private static final Set<String> HEADER = Set.of("alg", "kid", "typ");
    private static final int MAXIMUM_LENGTH = 8192;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Empty for anything that is not exactly such a token. */
    static Optional<CompactJws> parse(String token) {
        if (token.length() > MAXIMUM_LENGTH || !isThreeSegments(token)) {
            return Optional.empty();
        }
        String[] parts = token.split("\\.", -1);
        try {
            JsonNode header = JSON.readTree(text(decode(parts[0])));
            JsonNode claims = JSON.readTree(text(decode(parts[1])));
            byte[] signature = decode(parts[2]);
            if (!header.isObject() || !claims.isObject() || !HEADER.equals(Set.copyOf(header.propertyNames()))) {
                return Optional.empty();
            }
            for (String name : HEADER) {
                if (!header.path(name).isString()) {
                    return Optional.empty();
                }
            }
            return Optional.of(new CompactJws(
                    header.path("alg").stringValue(),
                    header.path("kid").stringValue(),
                    header.path("typ").stringValue(),
                    claims,
                    (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII),
                    signature));
        } catch (JacksonException | CharacterCodingException | IllegalArgumentException e) {
            return Optional.empty(); // every malformed token is the same refusal
        }
    }

    static String sign(SigningKey key, String type, Map<String, ?> claims) {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("alg", key.algorithm().name());
        header.put("kid", key.kid());
        header.put("typ", type);
        String content = encode(JSON.writeValueAsBytes(header)) + "." + encode(JSON.writeValueAsBytes(claims));
        return content + "."
                + encode(Signatures.sign(key.algorithm(), key.key(), content.getBytes(StandardCharsets.US_ASCII)));
    }

    /** The key, not the token, decides the algorithm. */
    boolean isSignedBy(VerificationKey key) {
        return key.algorithm().name().equals(algorithm)
                && key.kid().equals(kid)
                && Signatures.verify(key.algorithm(), key.key(), signedContent, signature);
    }

    String text(String claim) {
        JsonNode value = claims.path(claim);
        return value.isString() ? value.stringValue() : "";
    }

    long number(String claim) {
        JsonNode value = claims.path(claim);
        return value.isIntegralNumber() && value.canConvertToLong() ? value.longValue() : Long.MIN_VALUE;
    }

    boolean has(String claim) {
        return claims.has(claim);
    }

    /** Of base64url, none of them empty. */
    private static boolean isThreeSegments(String token) {
        int dots = 0;
        int length = 0;
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            if (c == '.') {
                if (length == 0 || ++dots > 2) {
                    return false;
                }
                length = 0;
            } else if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
                length++;
            } else {
                return false;
            }
        }
        return dots == 2 && length > 0;
    }

    /**
     * UTF-8 alone (RFC 8259, 8.1). Jackson, given bytes, takes UTF-16 and UTF-32 too, and a known name with a byte 0xFF before it for
     * the name.
     */
    private static String text(byte[] json) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    }

    private static byte[] decode(String segment) {
        byte[] bytes = Base64.getUrlDecoder().decode(segment);
        if (!encode(bytes).equals(segment)) {
            throw new IllegalArgumentException("stray bits");
        }
        return bytes;
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
