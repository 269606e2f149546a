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
}
