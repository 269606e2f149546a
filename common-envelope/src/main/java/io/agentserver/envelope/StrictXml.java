package io.agentserver.envelope;

import com.ctc.wstx.api.WstxInputProperties;
import com.ctc.wstx.stax.WstxInputFactory;
import org.codehaus.stax2.XMLStreamReader2;
import org.codehaus.stax2.io.Stax2ByteArraySource;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.DOMImplementation;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * Bytes to a DOM, refusing all that CONTRACTS 1 refuses: DTDs, processing instructions, entities but the five, what is
 * over the limits. Nothing is ever fetched. Stateless after construction; safe on any thread.
 */
final class StrictXml {
    /** Why a document is refused; the reason may be shown to a client. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String reason) {
            super(reason, null, false, false);
        }

        String reason() {
            return String.valueOf(getMessage());
        }
    }

    /**
     * Of characters at a time. Woodstox keeps its buffers for the thread's next document; here each document has a virtual thread of its own, which
     * may then wait for a handler, thousands of them at once. Most envelopes fit; a long one takes more reads of memory.
     */
    private static final int BUFFER_LENGTH = 1_024;

    private static final WstxInputFactory STAX = stax();
    // stateless; a DocumentBuilder for each document costs as much as reading it
    private static final DOMImplementation DOM = dom();

    private StrictXml() {}

    /** The root element's name, and its children, each as a document of its own with the namespaces that it inherits. */
    record Parts(QName root, boolean hasMore, List<Part> children) {}

    /** @param characters that it takes of the text */
    record Part(Document document, int characters) {}

    @FunctionalInterface
    private interface Reader<T> {
        T read(XMLStreamReader2 in) throws XMLStreamException, Refused;
    }

    static Document parse(byte[] bytes, XmlLimits limits) throws Refused {
        return read(bytes, in -> {
            Tree tree = new Tree(limits);
            while (in.hasNext()) {
                tree.take(in, in.next());
            }
            return tree.document;
        });
    }

    /**
     * One document that holds others.
     *
     * @param limits of each child
     * @param most of all children together: reading stops after one child more, and where they have more elements or take more
     *     characters of namespaces
     */
    static Parts parseParts(byte[] bytes, XmlLimits limits, Most most) throws Refused {
        return read(bytes, in -> parts(in, limits, most));
    }

    record Most(int children, int elements, long namespaceCharacters) {}

    private static <T> T read(byte[] bytes, Reader<T> reader) throws Refused {
        if (looksLikeUtf32(bytes)) {
            throw new Refused("the encoding is neither UTF-8 nor UTF-16");
        }
        try {
            XMLStreamReader2 in =
                    (XMLStreamReader2) STAX.createXMLStreamReader(new Stax2ByteArraySource(bytes, 0, bytes.length));
            try {
                requireEncoding(in);
                requireCharacters(in, bytes);
                return reader.read(in);
            } finally {
                in.close();
            }
        } catch (XMLStreamException | RuntimeException e) {
            // Parsers throw surprising runtime exceptions for hostile input; the text would tell the parser's version.
            throw new Refused("not well-formed XML, or over a limit" + where(e));
        }
    }

    private static Parts parts(XMLStreamReader2 in, XmlLimits limits, Most most) throws XMLStreamException, Refused {
        Tree around = new Tree(limits);
        while (around.depth == 0) {
            around.take(in, in.next());
        }
        QName root = in.getName();
        boolean hasMore = in.getAttributeCount() > 0;
        Map<String, String> inherited = new LinkedHashMap<>();
        for (int i = 0; i < in.getNamespaceCount(); i++) {
            inherited.put(nullToEmpty(in.getNamespacePrefix(i)), nullToEmpty(in.getNamespaceURI(i)));
        }
        List<Part> children = new ArrayList<>();
        int elements = 0;
        long declared = 0;
        while (in.hasNext() && children.size() <= most.children()) {
            int event = in.next();
            if (event == XMLStreamConstants.START_ELEMENT) {
                long begin = in.getLocationInfo().getStartingCharOffset();
                Tree tree = new Tree(limits);
                try {
                    tree.take(in, event);
                    while (tree.depth > 0) {
                        tree.take(in, in.next());
                    }
                } catch (Refused e) {
                    throw new Refused(e.reason() + ", in message " + (children.size() + 1));
                }
                elements += tree.elements;
                declared += tree.declared;
                if (elements > most.elements()) {
                    throw new Refused("more than " + most.elements() + " elements");
                }
                if (declared > most.namespaceCharacters()) {
                    throw new Refused("its namespaces repeated where they are used take more than "
                            + most.namespaceCharacters() + " characters");
                }
                tree.inherit(inherited);
                children.add(new Part(tree.document, (int) (in.getLocationInfo().getEndingCharOffset() - begin)));
            } else {
                hasMore |= event == XMLStreamConstants.CHARACTERS && !in.isWhiteSpace()
                        || event == XMLStreamConstants.CDATA;
                around.take(in, event);
            }
        }
        return new Parts(root, hasMore, children);
    }

    /** What was read so far of a document, and where its reader stands. */
    private static final class Tree {
        private final Document document = DOM.createDocument(null, null, null);
        private final XmlLimits limits;
        private Node parent = document;
        private int depth;
        private int elements;
        private long declared;
        private final Set<String> prefixes = new HashSet<>();

        Tree(XmlLimits limits) {
            this.limits = limits;
        }

        void take(XMLStreamReader in, int event) throws Refused {
            switch (event) {
                case XMLStreamConstants.START_ELEMENT -> {
                    if (++depth > limits.depth()) {
                        throw new Refused("more than " + limits.depth() + " levels deep");
                    }
                    if (++elements > limits.elements()) {
                        throw new Refused("more than " + limits.elements() + " elements");
                    }
                    usePrefixes(in);
                    declared += namespacesUsedBy(in);
                    if (declared > limits.namespaceCharacters()) {
                        // exclusive canonical form declares a namespace again at each place that uses it
                        throw new Refused("its namespaces repeated where they are used take more than "
                                + limits.namespaceCharacters() + " characters");
                    }
                    Element element = element(in, document, limits);
                    parent.appendChild(element);
                    parent = element;
                }
                case XMLStreamConstants.END_ELEMENT -> {
                    depth--;
                    parent = parent.getParentNode();
                }
                case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE -> {
                    if (depth > 0) {
                        parent.appendChild(document.createTextNode(in.getText()));
                    }
                }
                case XMLStreamConstants.COMMENT -> {
                    if (depth > 1 && isInMeta(parent)) {
                        // it splits the text of an element differently for different readers
                        throw new Refused("a comment inside <meta>");
                    }
                }
                case XMLStreamConstants.DTD -> throw new Refused("a DOCTYPE");
                case XMLStreamConstants.PROCESSING_INSTRUCTION -> throw new Refused("a processing instruction");
                case XMLStreamConstants.END_DOCUMENT -> {}
                default -> throw new Refused("an entity other than the five built in");
            }
        }

        private void usePrefixes(XMLStreamReader in) {
            prefixes.add(nullToEmpty(in.getPrefix()));
            for (int i = 0; i < in.getAttributeCount(); i++) {
                prefixes.add(nullToEmpty(in.getAttributePrefix(i)));
            }
        }

        /** Declares at its root what was declared around it, is used in it, and is not declared again there. */
        void inherit(Map<String, String> namespaces) {
            Element root = document.getDocumentElement();
            for (String prefix : prefixes) {
                String uri = namespaces.get(prefix);
                String name =
                        prefix.isEmpty() ? XMLConstants.XMLNS_ATTRIBUTE : XMLConstants.XMLNS_ATTRIBUTE + ":" + prefix;
                if (uri != null && !root.hasAttribute(name)) {
                    root.setAttributeNS(XMLConstants.XMLNS_ATTRIBUTE_NS_URI, name, uri);
                }
            }
        }
    }

    /** How long the declarations are that the canonical form may have to make at this element. */
    private static long namespacesUsedBy(XMLStreamReader in) {
        long characters = length(in.getPrefix(), in.getNamespaceURI());
        for (int i = 0; i < in.getAttributeCount(); i++) {
            if (in.getAttributePrefix(i) != null && !in.getAttributePrefix(i).isEmpty()) {
                characters += length(in.getAttributePrefix(i), in.getAttributeNamespace(i));
            }
        }
        return characters;
    }

    private static int length(@Nullable String prefix, @Nullable String uri) {
        return (prefix == null ? 0 : prefix.length()) + (uri == null ? 0 : uri.length());
    }

    private static Element element(XMLStreamReader in, Document document, XmlLimits limits) throws Refused {
        if (in.getAttributeCount() + in.getNamespaceCount() > limits.attributes()) {
            throw new Refused("more than " + limits.attributes() + " attributes on an element");
        }
        Element element = document.createElementNS(
                emptyToNull(in.getNamespaceURI()), qualified(in.getPrefix(), in.getLocalName(), limits));
        for (int i = 0; i < in.getNamespaceCount(); i++) {
            String prefix = in.getNamespacePrefix(i);
            String uri = in.getNamespaceURI(i) == null ? "" : in.getNamespaceURI(i);
            requireAbsolute(uri, limits);
            element.setAttributeNS(
                    XMLConstants.XMLNS_ATTRIBUTE_NS_URI,
                    prefix == null || prefix.isEmpty() ? "xmlns" : "xmlns:" + prefix,
                    uri);
        }
        for (int i = 0; i < in.getAttributeCount(); i++) {
            element.setAttributeNS(
                    emptyToNull(in.getAttributeNamespace(i)),
                    qualified(in.getAttributePrefix(i), in.getAttributeLocalName(i), limits),
                    in.getAttributeValue(i));
        }
        return element;
    }

    private static String qualified(@Nullable String prefix, String local, XmlLimits limits) throws Refused {
        if (local.length() > limits.nameLength() || (prefix != null && prefix.length() > limits.nameLength())) {
            throw new Refused("a name longer than " + limits.nameLength() + " characters");
        }
        return prefix == null || prefix.isEmpty() ? local : prefix + ":" + local;
    }

    /** Canonical XML gives a relative namespace no meaning (Canonical XML 1.0, 1.1). */
    private static void requireAbsolute(String uri, XmlLimits limits) throws Refused {
        if (uri.length() > limits.nameLength()) {
            throw new Refused("a namespace longer than " + limits.nameLength() + " characters");
        }
        try {
            if (!uri.isEmpty() && !new URI(uri).isAbsolute()) {
                throw new Refused("a relative namespace");
            }
        } catch (URISyntaxException e) {
            throw new Refused("a namespace that is no URI");
        }
    }

    private static boolean isInMeta(Node parent) {
        for (Node node = parent; node instanceof Element element; node = node.getParentNode()) {
            if ("meta".equals(element.getLocalName()) && EnvelopeNames.ENVELOPE.equals(element.getNamespaceURI())) {
                return true;
            }
        }
        return false;
    }

    private static void requireEncoding(XMLStreamReader in) throws Refused {
        String declared = in.getCharacterEncodingScheme();
        String used = in.getEncoding();
        for (String encoding : new String[] {declared, used}) {
            if (encoding != null
                    && !encoding.regionMatches(true, 0, "UTF-8", 0, 5)
                    && !encoding.regionMatches(true, 0, "UTF-16", 0, 6)) {
                throw new Refused("the encoding is neither UTF-8 nor UTF-16");
            }
        }
        if (in.getVersion() != null && !"1.0".equals(in.getVersion())) {
            throw new Refused("XML of another version than 1.0");
        }
    }

    /**
     * Of UTF-16 the parser takes what is no character of XML's, and so no UTF-8 of it can be read again; in the XML declaration of
     * either encoding it takes control characters for white space.
     */
    private static void requireCharacters(XMLStreamReader in, byte[] bytes) throws Refused {
        String encoding = String.valueOf(in.getEncoding());
        if (encoding.regionMatches(true, 0, "UTF-16", 0, 6)) {
            try {
                CharBuffer text = Charset.forName(encoding).newDecoder().decode(ByteBuffer.wrap(bytes));
                if (text.chars().anyMatch(c -> c >= 0xFFFE || isControl(c))) {
                    throw new Refused("a character that XML does not have");
                }
            } catch (CharacterCodingException e) {
                throw new Refused("not UTF-16");
            }
        } else if (in.getVersion() != null) { // there is a declaration
            for (int i = 0; i < bytes.length && bytes[i] != '>'; i++) {
                if (isControl(bytes[i] & 0xFF)) {
                    throw new Refused("a character that XML does not have");
                }
            }
        }
    }

    private static boolean isControl(int c) {
        return c < ' ' && c != '\t' && c != '\n' && c != '\r';
    }

    private static boolean looksLikeUtf32(byte[] b) {
        return b.length >= 4 && ((b[0] == 0 && b[1] == 0) || (b[2] == 0 && b[3] == 0));
    }

    private static String nullToEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static @Nullable String emptyToNull(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    private static String where(Exception e) {
        return e instanceof XMLStreamException x && x.getLocation() != null
                ? " (line " + x.getLocation().getLineNumber() + ", column "
                        + x.getLocation().getColumnNumber() + ")"
                : "";
    }

    private static DOMImplementation dom() {
        try {
            return DocumentBuilderFactory.newDefaultNSInstance()
                    .newDocumentBuilder()
                    .getDOMImplementation();
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's own DOM is always there", e);
        }
    }

    private static WstxInputFactory stax() {
        WstxInputFactory factory = new WstxInputFactory();
        factory.setProperty(XMLInputFactory.IS_NAMESPACE_AWARE, true);
        factory.setProperty(XMLInputFactory.IS_COALESCING, true);
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        // there are none to replace it by, so that it is refused; otherwise one in an attribute would be dropped in
        // silence
        factory.setProperty(XMLInputFactory.IS_REPLACING_ENTITY_REFERENCES, true);
        factory.setProperty(WstxInputProperties.P_MAX_ATTRIBUTES_PER_ELEMENT, 128);
        factory.setProperty(WstxInputProperties.P_MAX_ELEMENT_DEPTH, 128);
        factory.setProperty(WstxInputProperties.P_INPUT_BUFFER_LENGTH, BUFFER_LENGTH);
        return factory;
    }
}
