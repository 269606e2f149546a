package io.agentserver.envelope;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * One message, read and canonical. Made by {@link EnvelopeDocument} alone, so that {@code xml} is always the exclusive
 * canonical form of what {@code meta} and {@code payload} say.
 *
 * @param root the payload's root element
 * @param xml the exclusive canonical form (Exclusive XML Canonicalization 1.0, without comments), what stands on the log
 * @param signedForm the canonical form without {@code <jwt>}, over which the digest goes
 * @param payload the payload alone, canonical
 */
public record Envelope(Meta meta, PayloadRoot root, String xml, String signedForm, String payload) {

    /** The payload's root: where an envelope without {@code to} goes. */
    public record PayloadRoot(String namespace, String name) {}

    public byte[] bytes() {
        return xml.getBytes(StandardCharsets.UTF_8);
    }

    /** SHA-256 of the signed form. */
    public byte[] digest() {
        try {
            return MessageDigest.getInstance("SHA-256").digest(signedForm.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The digest as the token's claim has it: {@code sha-256=:<base64>:} (RFC 9530's form). */
    public String digestClaim() {
        return "sha-256=:" + Base64.getEncoder().encodeToString(digest()) + ":";
    }
}
