package io.agentserver.envelope;

import com.nimbusds.jose.JWSObject;
import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.text.ParseException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Fuzz target: any text, read as a token. Nothing is thrown; what is taken is taken by another library too (Nimbus, whose JSON is
 * Gson's), has the same header and claims there, and is spelt in the one way that it can be spelt. A signature that verifies is one
 * of the samples' over what they signed, and the JDK's own provider agrees.
 *
 * <p>A line that begins with a brace is a token's header, the next its claims, the rest its signature: base64url hides from a fuzzer
 * what is inside.
 */
final class TokenTarget {
    private static final Set<String> SIGNED = ConcurrentHashMap.newKeySet();
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final VerificationKey[] KEYS = keys();

    private TokenTarget() {}

    public static void fuzzerTestOneInput(byte[] input) {
        String text = input.length > 0 && input[0] == '{' ? encoded(input) : new String(input, StandardCharsets.UTF_8);
        Optional<CompactJws> parsed = CompactJws.parse(text);
        if (parsed.isEmpty()) {
            return;
        }
        CompactJws token = parsed.get();
        if (JwsAlgorithm.of(token.algorithm()).isPresent()) { // no key is for another
            strictly(text, token);
        }
        for (VerificationKey key : KEYS) {
            if (token.isSignedBy(key)) {
                ReaderTarget.require(SIGNED.contains(text.substring(0, text.lastIndexOf('.'))), "signed by nobody");
                ReaderTarget.require(byJdk(key, token), "not signed, says the JDK");
            }
        }
    }

    private static String encoded(byte[] input) {
        String[] parts = new String(input, StandardCharsets.ISO_8859_1).split("\n", 3);
        return Arrays.stream(parts)
                .map(part -> Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(part.getBytes(StandardCharsets.ISO_8859_1)))
                .collect(Collectors.joining("."));
    }

    /** A token as {@link #fuzzerTestOneInput} takes it apart; empty if it has other than three parts of base64url. */
    static Optional<byte[]> decoded(String token) {
        String[] parts = token.split("\\.", -1);
        try {
            return parts.length == 3
                    ? Optional.of(Arrays.stream(parts)
                            .map(part -> new String(Base64.getUrlDecoder().decode(part), StandardCharsets.ISO_8859_1))
                            .collect(Collectors.joining("\n"))
                            .getBytes(StandardCharsets.ISO_8859_1))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static void strictly(String text, CompactJws token) {
        try {
            JWSObject other = JWSObject.parse(text);
            ReaderTarget.require(other.getHeader().getAlgorithm().getName().equals(token.algorithm()), "alg");
            ReaderTarget.require(String.valueOf(other.getHeader().getKeyID()).equals(token.kid()), "kid");
            ReaderTarget.require(String.valueOf(other.getHeader().getType()).equals(token.type()), "typ");
            ReaderTarget.require(
                    other.getHeader().toJSONObject().keySet().equals(Set.of("alg", "kid", "typ")), "other headers");
            ReaderTarget.require(JSON.readTree(other.getPayload().toBytes()).equals(token.claims()), "other claims");
        } catch (ParseException e) {
            throw new AssertionError("another library refuses what ours takes", e);
        }
        for (String segment : text.split("\\.", -1)) {
            byte[] bytes = Base64.getUrlDecoder().decode(segment);
            ReaderTarget.require(
                    Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(bytes)
                            .equals(segment),
                    "a second spelling");
        }
    }

    private static boolean byJdk(VerificationKey key, CompactJws token) {
        try {
            Signature signature = Signature.getInstance(key.algorithm().jcaName());
            signature.initVerify(key.key());
            signature.update(token.signedContent());
            return signature.verify(token.signature());
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static VerificationKey[] keys() {
        Samples samples = Samples.load();
        samples.tokens().forEach(token -> SIGNED.add(token.substring(0, Math.max(0, token.lastIndexOf('.')))));
        return samples.registeredJwks().stream()
                .map(jwk -> {
                    try {
                        return VerificationKey.ofJwk(jwk);
                    } catch (VerificationKey.Unfit e) {
                        throw new AssertionError(e);
                    }
                })
                .toArray(VerificationKey[]::new);
    }
}
