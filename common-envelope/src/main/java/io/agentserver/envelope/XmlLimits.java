package io.agentserver.envelope;

/**
 * Bounds of what is read as XML (CONTRACTS 1).
 *
 * @param bytes of the whole document
 * @param depth nested elements
 * @param elements in the document
 * @param attributes of one element
 * @param nameLength characters of a name, a prefix or a namespace
 */
public record XmlLimits(int bytes, int depth, int elements, int attributes, int nameLength) {
    public static final XmlLimits DEFAULT = new XmlLimits(256 * 1024, 64, 4096, 64, 1024);

    /** An output of the platform, with what it stamps around a payload. */
    public static final XmlLimits INSIDE = new XmlLimits(1280 * 1024, 64, 4096, 64, 1024);

    /**
     * What was within the bounds when it came, in canonical form: a declaration that stood at {@code <meta>} stands at each element
     * that uses it, so that one of 64 attributes may have 65 declarations besides.
     */
    public static final XmlLimits CANONICAL = new XmlLimits(1280 * 1024, 64, 4096, 2 * 64 + 1, 1024);

    /** How much longer than its document's bound a canonical form may become. */
    static final int CANONICAL_GROWTH = 4;

    /** Of a payload that will stand in an envelope's {@code <message>}, beside a {@code <meta>} of eight elements. */
    XmlLimits ofPayload() {
        return new XmlLimits(bytes, depth - 1, elements - 10, attributes, nameLength);
    }

    /** Characters of namespace declarations that a canonical form may have: each place that uses one may repeat it. */
    long namespaceCharacters() {
        return (long) CANONICAL_GROWTH * bytes;
    }
}
