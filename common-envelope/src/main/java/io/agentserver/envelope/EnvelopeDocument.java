package io.agentserver.envelope;

import io.agentserver.envelope.Envelope.PayloadRoot;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.Text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One envelope while it is being admitted or made: bytes in, missing ids filled in, {@link Envelope} out. Not shared
 * between threads.
 */
public final class EnvelopeDocument {
    private static final Set<String> DELIVERY_ELEMENTS = Set.of("id", "conversation", "turn", "cause");

    private final Document document;
    private final Element metaElement;
    private final Element payload;
    private Meta meta;
    private @Nullable Envelope envelope; // of the document as it is now

    private EnvelopeDocument(Document document, Element metaElement, Element payload, Meta meta) {
        this.document = document;
        this.metaElement = metaElement;
        this.payload = payload;
        this.meta = meta;
    }

    /** Reads bytes as one envelope: size, strict parse, the envelope's own rules. Does no I/O, throws nothing. */
    public static Reading read(byte[] bytes, XmlLimits limits) {
        if (bytes.length > limits.bytes()) {
            return new Reading.TooLarge(limits.bytes());
        }
        try {
            return of(StrictXml.parse(bytes, limits));
        } catch (StrictXml.Refused e) {
            return new Reading.Malformed(e.reason());
        }
    }

    /** The envelope's own rules. */
    static Reading of(Document document) {
        try {
            return new Reading.Read(structure(document));
        } catch (Misshapen e) {
            return new Reading.Invalid(e.pointer, e.reason);
        }
    }

    /**
     * What the platform itself has put on the log or in the journal, and vouches for (by its MAC, or by the store that it was
     * in): canonical already, so it is cut rather than read wherever it has the plain shape.
     *
     * @throws IllegalArgumentException if it is no envelope
     */
    public static Envelope readOwn(String xml) {
        PlainShape plain = PlainShape.of(xml);
        return plain == null ? readAgain(xml) : plain.envelope();
    }

    /**
     * Canonical text, read as strictly as a client's.
     *
     * @throws IllegalArgumentException if it is no envelope
     */
    public static Envelope readAgain(String xml) {
        return switch (read(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.CANONICAL)) {
            case Reading.Read(EnvelopeDocument own) -> own.toEnvelope();
            case Reading.Malformed(String reason) -> throw new IllegalArgumentException("no envelope: " + reason);
            case Reading.Invalid(String pointer, String reason) ->
                throw new IllegalArgumentException("no envelope: " + pointer + ": " + reason);
            case Reading.TooLarge(int limit) ->
                throw new IllegalArgumentException("no envelope: over " + limit + " bytes");
        };
    }

    /** Makes an envelope around a payload (one XML element as text). The payload may be anything; the result says if it was not fit. */
    public static Reading make(Meta meta, String payloadXml) {
        if (hasLoneSurrogate(payloadXml)) {
            return new Reading.Malformed("half a character (a lone surrogate)"); // getBytes would write '?' for it
        }
        byte[] payload = payloadXml.getBytes(StandardCharsets.UTF_8);
        if (payload.length > XmlLimits.INSIDE.bytes()) {
            return new Reading.TooLarge(XmlLimits.INSIDE.bytes());
        }
        try {
            return read(around(meta, payload).getBytes(StandardCharsets.UTF_8), XmlLimits.CANONICAL);
        } catch (StrictXml.Refused e) {
            return new Reading.Malformed(e.reason());
        }
    }

    private static boolean hasLoneSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (Character.charCount(text.codePointAt(i)) == 1) {
                    return true;
                }
                i++;
            }
        }
        return false;
    }

    /** As {@link #make}, to its end: what the platform puts around an output. Empty: the payload is not one XML element within the limits. */
    public static Optional<Envelope> stamp(Meta meta, String payloadXml) {
        if (hasLoneSurrogate(payloadXml)) {
            return Optional.empty();
        }
        byte[] payload = payloadXml.getBytes(StandardCharsets.UTF_8);
        if (payload.length > XmlLimits.INSIDE.bytes()) {
            return Optional.empty();
        }
        try {
            String xml = around(meta, payload);
            // what is canonical inside a canonical frame is canonical: most need not be read again
            PlainShape plain = PlainShape.of(xml);
            Envelope envelope = plain == null ? readAgain(xml) : plain.envelope();
            return Optional.of(envelope);
        } catch (StrictXml.Refused | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Read by itself first, so that nothing it says can reach beyond its place. */
    private static String around(Meta meta, byte[] payload) throws StrictXml.Refused {
        String alone = CanonicalXml.of(StrictXml.parse(payload, XmlLimits.INSIDE.ofPayload()));
        StringBuilder xml = new StringBuilder(alone.length() + 640)
                .append("<message xmlns=\"")
                .append(EnvelopeNames.ENVELOPE)
                .append("\"><meta>");
        element(xml, "from", null, meta.from());
        element(xml, "to", null, meta.to());
        element(xml, "thread", null, meta.thread());
        element(xml, "id", EnvelopeNames.DELIVERY, meta.id());
        element(xml, "conversation", EnvelopeNames.DELIVERY, meta.conversation());
        element(xml, "turn", EnvelopeNames.DELIVERY, meta.turn());
        element(xml, "cause", EnvelopeNames.DELIVERY, meta.cause());
        return xml.append("</meta>")
                .append(withDefaultNamespace(alone))
                .append("</message>")
                .toString();
    }

    public Meta meta() {
        return meta;
    }

    public PayloadRoot root() {
        String namespace = payload.getNamespaceURI();
        return new PayloadRoot(namespace == null ? "" : namespace, payload.getLocalName());
    }

    /** Fills in the ids that an unsigned envelope may omit; ids that are there stay. */
    public void fill(ThreadId thread, MessageId id) {
        envelope = null;
        if (meta.thread() == null) {
            Element element = document.createElementNS(EnvelopeNames.ENVELOPE, prefixOf(metaElement) + "thread");
            element.setTextContent(thread.toString());
            Element last = lastOf("to", "from");
            metaElement.insertBefore(element, last.getNextSibling());
        }
        if (meta.id() == null) {
            append("id", EnvelopeNames.DELIVERY, id.toString());
        }
        meta = new Meta(
                meta.from(),
                meta.to(),
                meta.thread() == null ? thread : meta.thread(),
                meta.id() == null ? id : meta.id(),
                meta.jwt(),
                meta.conversation(),
                meta.turn(),
                meta.cause());
    }

    /** Makes it another message with the same content: it gets this id and is signed by nobody yet. */
    public void reissue(MessageId id) {
        envelope = null;
        remove("id", EnvelopeNames.DELIVERY);
        remove("jwt", EnvelopeNames.SECURITY);
        append("id", EnvelopeNames.DELIVERY, id.toString());
        meta = new Meta(
                meta.from(), meta.to(), meta.thread(), id, null, meta.conversation(), meta.turn(), meta.cause());
    }

    /** Appends the token, whose digest is that of {@link #toEnvelope()} before. */
    void sign(String jwt) {
        append("jwt", EnvelopeNames.SECURITY, jwt);
        envelope = null;
        meta = meta.withJwt(jwt);
    }

    public Envelope toEnvelope() {
        if (envelope == null) {
            String xml = CanonicalXml.of(document);
            PlainShape plain = PlainShape.of(xml);
            envelope = plain == null ? cutByCanonicalising(xml) : plain.envelope();
        }
        return envelope;
    }

    /** For every shape: the parts are canonicalised one by one. */
    Envelope cutByCanonicalising(String xml) {
        Element jwt = child(metaElement, EnvelopeNames.SECURITY, "jwt");
        String signedForm = xml;
        if (jwt != null) {
            Node after = jwt.getNextSibling();
            metaElement.removeChild(jwt);
            signedForm = CanonicalXml.of(document);
            metaElement.insertBefore(jwt, after);
        }
        return new Envelope(meta, root(), xml, signedForm, CanonicalXml.of(payload));
    }

    private static EnvelopeDocument structure(Document document) throws Misshapen {
        Element message = document.getDocumentElement();
        if (!isEnvelope(message, "message")) {
            throw new Misshapen("/", "the root element is not <message> of " + EnvelopeNames.ENVELOPE);
        }
        if (message.getAttributes().getLength() > namespaceDeclarations(message)) {
            throw new Misshapen("/message", "<message> takes no attributes");
        }
        List<Element> children = children("/message", message);
        if (children.isEmpty() || !isEnvelope(children.getFirst(), "meta")) {
            throw new Misshapen("/message/meta", "<meta> is missing, or not the first element");
        }
        if (children.size() != 2) {
            throw new Misshapen("/message", "exactly one payload is needed; found " + (children.size() - 1));
        }
        Element payload = children.get(1);
        if (isEnvelope(payload, "meta") || isEnvelope(payload, "message")) {
            throw new Misshapen("/message/" + payload.getLocalName(), "a second <" + payload.getLocalName() + ">");
        }
        return new EnvelopeDocument(document, children.getFirst(), payload, meta(children.getFirst()));
    }

    private static Meta meta(Element element) throws Misshapen {
        if (element.getAttributes().getLength() > namespaceDeclarations(element)) {
            throw new Misshapen("/message/meta", "<meta> takes no attributes");
        }
        List<Element> children = children("/message/meta", element);
        List<String> own = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        String[] value = new String[8];
        for (Element child : children) {
            String namespace = child.getNamespaceURI() == null ? "" : child.getNamespaceURI();
            String name = child.getLocalName();
            int slot = slot(namespace, name);
            if (slot < 0) {
                if (namespace.startsWith("https://xml-pipeline.org/") || namespace.isEmpty()) {
                    throw new Misshapen(pointer(name), "<" + name + "> is not an element of <meta>");
                }
                continue;
            }
            if (!seen.add(namespace + name)) {
                throw new Misshapen(pointer(name), "a second <" + name + ">");
            }
            value[slot] = text(child);
            if (slot <= 2) {
                own.add(name);
            }
        }
        if (value[0] == null) {
            throw new Misshapen(pointer("from"), "<from> is missing");
        }
        if (!own.equals(ordered(own)) || !ownFirst(children)) {
            throw new Misshapen("/message/meta", "the order is <from>, <to>, <thread>, then the others");
        }
        return new Meta(
                name("from", value[0]),
                value[1] == null ? null : name("to", value[1]),
                value[2] == null ? null : new ThreadId(uuid("thread", value[2])),
                value[3] == null ? null : new MessageId(uuid("id", value[3])),
                value[4],
                value[5] == null ? null : new ThreadId(uuid("conversation", value[5])),
                value[6] == null ? null : new MessageId(uuid("turn", value[6])),
                value[7] == null ? null : new MessageId(uuid("cause", value[7])));
    }

    private static int slot(String namespace, String name) {
        return switch (namespace) {
            case EnvelopeNames.ENVELOPE -> List.of("from", "to", "thread").indexOf(name);
            case EnvelopeNames.SECURITY -> name.equals("jwt") ? 4 : -1;
            case EnvelopeNames.DELIVERY ->
                DELIVERY_ELEMENTS.contains(name)
                        ? (name.equals("id")
                                ? 3
                                : 5 + List.of("conversation", "turn", "cause").indexOf(name))
                        : -1;
            default -> -1;
        };
    }

    private static List<String> ordered(List<String> own) {
        return List.of("from", "to", "thread").stream().filter(own::contains).toList();
    }

    private static boolean ownFirst(List<Element> children) {
        boolean foreign = false;
        for (Element child : children) {
            boolean ours = EnvelopeNames.ENVELOPE.equals(child.getNamespaceURI());
            if (ours && foreign) {
                return false;
            }
            foreign |= !ours;
        }
        return true;
    }

    private static String name(String what, String text) throws Misshapen {
        if (!EnvelopeNames.isName(text)) {
            throw new Misshapen(pointer(what), "<" + what + "> is not a name [A-Za-z][A-Za-z0-9._-]{0,127}");
        }
        return text;
    }

    private static java.util.UUID uuid(String what, String text) throws Misshapen {
        try {
            return Ids.parse(what, text);
        } catch (IllegalArgumentException e) {
            throw new Misshapen(pointer(what), "<" + what + "> is not a UUID");
        }
    }

    private static String text(Element element) throws Misshapen {
        StringBuilder text = new StringBuilder();
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (!(node instanceof Text part)) {
                throw new Misshapen(
                        pointer(element.getLocalName()), "<" + element.getLocalName() + "> takes text alone");
            }
            text.append(part.getData());
        }
        if (element.getAttributes().getLength() > namespaceDeclarations(element)) {
            throw new Misshapen(
                    pointer(element.getLocalName()), "<" + element.getLocalName() + "> takes no attributes");
        }
        return XmlBlanks.strip(text.toString());
    }

    private static List<Element> children(String pointer, Element parent) throws Misshapen {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                children.add(element);
            } else if (node instanceof Text text && !XmlBlanks.isBlank(text.getData())) {
                throw new Misshapen(pointer, "text between the elements");
            }
        }
        return children;
    }

    private static int namespaceDeclarations(Element element) {
        int count = 0;
        for (int i = 0; i < element.getAttributes().getLength(); i++) {
            String name = element.getAttributes().item(i).getNodeName();
            if (name.equals("xmlns") || name.startsWith("xmlns:")) {
                count++;
            }
        }
        return count;
    }

    private static boolean isEnvelope(Element element, String name) {
        return name.equals(element.getLocalName()) && EnvelopeNames.ENVELOPE.equals(element.getNamespaceURI());
    }

    private static @Nullable Element child(Element parent, String namespace, String name) {
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element
                    && name.equals(element.getLocalName())
                    && namespace.equals(element.getNamespaceURI())) {
                return element;
            }
        }
        return null;
    }

    private Element lastOf(String... names) {
        for (String name : names) {
            Element element = child(metaElement, EnvelopeNames.ENVELOPE, name);
            if (element != null) {
                return element;
            }
        }
        throw new IllegalStateException("<from> was required when this was read");
    }

    private void append(String name, String namespace, String text) {
        Element element = document.createElementNS(namespace, name);
        element.setAttributeNS(javax.xml.XMLConstants.XMLNS_ATTRIBUTE_NS_URI, "xmlns", namespace);
        element.setTextContent(text);
        metaElement.appendChild(element);
    }

    private void remove(String name, String namespace) {
        Element element = child(metaElement, namespace, name);
        if (element != null) {
            metaElement.removeChild(element);
        }
    }

    private static String prefixOf(Element element) {
        return element.getPrefix() == null ? "" : element.getPrefix() + ":";
    }

    private static void element(StringBuilder xml, String name, @Nullable String namespace, @Nullable Object value) {
        if (value != null) {
            xml.append('<').append(name);
            if (namespace != null) {
                xml.append(" xmlns=\"").append(namespace).append('"');
            }
            xml.append('>').append(value).append("</").append(name).append('>');
        }
    }

    /** A canonical payload that declares no default namespace has none; inside {@code <message>} that must be said. */
    private static String withDefaultNamespace(String payload) {
        int end = 1;
        while (" />".indexOf(payload.charAt(end)) < 0) {
            end++;
        }
        // canonical form has the default namespace's declaration before everything else
        return payload.startsWith(" xmlns=\"", end)
                ? payload
                : payload.substring(0, end) + " xmlns=\"\"" + payload.substring(end);
    }

    private static String pointer(String name) {
        return "/message/meta/" + name;
    }

    private static final class Misshapen extends Exception {
        private static final long serialVersionUID = 1L;

        private final String pointer;
        private final String reason;

        Misshapen(String pointer, String reason) {
            super(reason, null, false, false);
            this.pointer = pointer;
            this.reason = reason;
        }
    }
}
