package io.agentserver.envelope;

/** What came of reading bytes as an envelope. Reasons name no class, no path and no text of the parser's. */
public sealed interface Reading {
    record Read(EnvelopeDocument document) implements Reading {}

    /** Not acceptable as XML: 400 {@code malformed-xml}. */
    record Malformed(String reason) implements Reading {}

    /** XML, but no envelope: 422 {@code invalid-envelope}, with a pointer to the element. */
    record Invalid(String pointer, String reason) implements Reading {}

    /** More bytes than the limit: 413 {@code too-large}. */
    record TooLarge(int limitBytes) implements Reading {}
}
