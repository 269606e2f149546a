package io.agentserver.gateway.openapi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A text that is given out as it is, with the entity tag that follows from it, so that every gateway of a version has the same. */
final class Document {
    private static final int TAG_BYTES = 16;

    private final byte[] bytes;
    private final String etag;

    private Document(byte[] bytes, String etag) {
        this.bytes = bytes;
        this.etag = etag;
    }

    static Document of(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new Document(bytes, "\"" + HexFormat.of().formatHex(sha256(bytes), 0, TAG_BYTES) + "\"");
    }

    /** Not to be changed. */
    byte[] bytes() {
        return bytes;
    }

    String etag() {
        return etag;
    }

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
