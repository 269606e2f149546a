package io.agentserver.pump.http;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.organism.Listener;
import io.agentserver.pump.handler.HandlerOutput;
import org.apache.xml.security.c14n.implementations.Canonicalizer20010315ExclOmitComments;
import org.apache.xml.security.exceptions.XMLSecurityException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/**
 * What a service's answer means: no payload, one, or several in {@code <outputs>}. A payload with the attribute {@code to} is
 * for that peer (the attribute is taken off), one without responds. Read as strictly as a client's envelope.
 */
sealed interface ServiceAnswer {
    record Fit(List<HandlerOutput> outputs) implements ServiceAnswer {}

    record Unfit(String reason) implements ServiceAnswer {}

    static ServiceAnswer read(byte[] body, Listener listener) {
        String text = new String(body, StandardCharsets.UTF_8);
        if (text.isBlank()) {
            return new Fit(List.of());
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
            case Reading.Malformed(String reason) -> new Unfit(reason);
            case Reading.Invalid invalid -> new Unfit(invalid.reason());
            case Reading.TooLarge(int limit) -> new Unfit("over " + limit + " bytes");
            case Reading.Read _ -> new Unfit("not one payload element");
        };
    }

    private static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static ServiceAnswer outputs(Envelope envelope, Listener listener) {
        List<HandlerOutput> outputs = new ArrayList<>();
        if (!envelope.root().name().equals("outputs")
                || !envelope.root().namespace().isEmpty()) {
            Addressed payload = Addressed.of(envelope.payload());
            return new Fit(List.of(output(payload.to(), payload.xml(), listener)));
        }
        Element root = parse(envelope.payload()).getDocumentElement();
        for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element payload) {
                outputs.add(output(payload, listener));
            } else if (!node.getTextContent().isBlank()) {
                return new Unfit("text between the payloads of <outputs>");
            }
        }
        boolean closes = outputs.stream().anyMatch(output -> !(output instanceof HandlerOutput.Forward));
        return closes && outputs.size() > 1
                ? new Unfit("a response or a hand-over beside other outputs")
                : new Fit(outputs);
    }

    private static HandlerOutput output(Element payload, Listener listener) {
        String to = payload.getAttribute("to");
        payload.removeAttribute("to");
        return output(to, canonical(payload), listener);
    }

    private static HandlerOutput output(String to, String xml, Listener listener) {
        if (to.isEmpty()) {
            return new HandlerOutput.Respond(xml);
        }
        boolean handOver = listener.peer(to).map(Listener.Peer::handOver).orElse(false);
        return handOver ? new HandlerOutput.HandOver(to, xml) : new HandlerOutput.Forward(to, xml);
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
