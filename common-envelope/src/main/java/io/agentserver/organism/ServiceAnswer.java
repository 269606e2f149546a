package io.agentserver.organism;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import org.apache.xml.security.c14n.implementations.Canonicalizer20010315ExclOmitComments;
import org.apache.xml.security.exceptions.XMLSecurityException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/**
 * What a service's answer means, at once or later: no payload, one, or several in {@code <outputs>}. A payload with the
 * attribute {@code to} is
 * for that peer (the attribute is taken off), one without responds. Read as strictly as a client's envelope.
 */
public sealed interface ServiceAnswer {
    /** The largest body that is read. */
    int MOST_BYTES = 1024 * 1024;

    /** @param content the whole of it in canonical form, which read again gives the same; empty: no payload */
    record Fit(String content, List<Output> outputs) implements ServiceAnswer {
        public Fit {
            outputs = List.copyOf(outputs);
        }
    }

    /**
     * @param to empty: it responds
     * @param root of the payload
     */
    record Output(Kind kind, String to, String payload, Envelope.PayloadRoot root) {}

    enum Kind {
        FORWARD,
        HAND_OVER,
        RESPOND
    }

    /** @param malformed it is no XML that is taken at all */
    record Unfit(String reason, boolean malformed) implements ServiceAnswer {}

    static ServiceAnswer read(byte[] body, Listener listener) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            return new Unfit("its bytes are not UTF-8", true);
        }
        if (text.isBlank()) {
            return new Fit("", List.of());
        }
        // an envelope around it: the strict reader of the platform says whether it is one element, and which
        Meta around = new Meta(listener.name(), null, null, null, null, null, null, null);
        String payload = withoutMark(text);
        return EnvelopeDocument.stamp(around, payload)
                .map(envelope -> outputs(envelope, listener))
                .orElseGet(() -> unfit(around, payload));
    }

    /** Read again, for the reason. */
    private static Unfit unfit(Meta around, String payload) {
        return switch (EnvelopeDocument.make(around, payload)) {
            case Reading.Malformed(String reason) -> new Unfit(reason, true);
            case Reading.Invalid invalid -> new Unfit(invalid.reason(), false);
            case Reading.TooLarge(int limit) -> new Unfit("over " + limit + " bytes", false);
            case Reading.Read _ -> new Unfit("not one payload element", false);
        };
    }

    private static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static ServiceAnswer outputs(Envelope envelope, Listener listener) {
        List<Output> outputs = new ArrayList<>();
        if (!envelope.root().name().equals("outputs")
                || !envelope.root().namespace().isEmpty()) {
            Addressed payload = Addressed.of(envelope.payload());
            return new Fit(envelope.payload(), List.of(output(payload.to(), payload.xml(), envelope.root(), listener)));
        }
        Element root = parse(envelope.payload()).getDocumentElement();
        for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element payload) {
                outputs.add(output(payload, listener));
            } else if (!node.getTextContent().isBlank()) {
                return new Unfit("text between the payloads of <outputs>", false);
            }
        }
        boolean closes = outputs.stream().anyMatch(output -> output.kind() != Kind.FORWARD);
        return closes && outputs.size() > 1
                ? new Unfit("a response or a hand-over beside other outputs", false)
                : new Fit(envelope.payload(), outputs);
    }

    private static Output output(Element payload, Listener listener) {
        String to = payload.getAttribute("to");
        payload.removeAttribute("to");
        Envelope.PayloadRoot root = new Envelope.PayloadRoot(
                Objects.requireNonNullElse(payload.getNamespaceURI(), ""), payload.getLocalName());
        return output(to, canonical(payload), root, listener);
    }

    private static Output output(String to, String xml, Envelope.PayloadRoot root, Listener listener) {
        if (to.isEmpty()) {
            return new Output(Kind.RESPOND, "", xml, root);
        }
        boolean handOver = listener.peer(to).map(Listener.Peer::handOver).orElse(false);
        return new Output(handOver ? Kind.HAND_OVER : Kind.FORWARD, to, xml, root);
    }

    /**
     * A payload and the peer it is for. Cut, not parsed: in a canonical start tag each attribute is {@code  name="value"},
     * without a quote in the value (https://www.w3.org/TR/xml-exc-c14n/), and what is left of it is canonical.
     *
     * @param to empty: nobody is named
     */
    record Addressed(String to, String xml) {
        static Addressed of(String canonical) {
            int at = 1;
            while (" />".indexOf(canonical.charAt(at)) < 0) {
                at++;
            }
            while (canonical.charAt(at) == ' ') {
                int value = canonical.indexOf("=\"", at) + 2;
                int end = canonical.indexOf('"', value);
                if (canonical.startsWith(" to=", at)) {
                    return new Addressed(
                            canonical.substring(value, end), canonical.substring(0, at) + canonical.substring(end + 1));
                }
                at = end + 1;
            }
            return new Addressed("", canonical);
        }
    }

    /** Canonical XML has no DTD and no entities. */
    private static Document parse(String canonical) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            return builder.parse(new ByteArrayInputStream(canonical.getBytes(StandardCharsets.UTF_8)));
        } catch (ParserConfigurationException | SAXException | IOException e) {
            throw new IllegalStateException("the platform's own canonical XML is readable", e);
        }
    }

    /** With the namespaces that it uses and its parent declared. */
    private static String canonical(Element payload) {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            new Canonicalizer20010315ExclOmitComments().engineCanonicalizeSubTree(payload, out);
            return out.toString(StandardCharsets.UTF_8);
        } catch (XMLSecurityException e) {
            throw new IllegalStateException("a subtree of canonical XML has a canonical form", e);
        }
    }
}
