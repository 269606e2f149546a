package io.agentserver.organism;

/** What came of writing JSON as XML. */
public sealed interface Written {

    /** The payload element, without an XML declaration. */
    record Xml(String text) implements Written {}

    /**
     * It cannot be written.
     *
     * @param pointer the member, a JSON pointer into the payload; empty: the whole
     */
    record Refused(String pointer, String reason) implements Written {}
}
