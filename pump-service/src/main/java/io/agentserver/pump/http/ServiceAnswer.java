package io.agentserver.pump.http;

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
        return switch (EnvelopeDocument.make(
                new Meta(listener.name(), null, null, null, null, null, null, null), withoutMark(text))) {
            case Reading.Read(EnvelopeDocument document) ->
                outputs(document.toEnvelope().payload(), listener);
            case Reading.Malformed(String reason) -> new Unfit(reason);
            case Reading.Invalid invalid -> new Unfit(invalid.reason());
            case Reading.TooLarge(int limit) -> new Unfit("over " + limit + " bytes");
        };
    }

    private static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static ServiceAnswer outputs(String canonical, Listener listener) {
        Element root = parse(canonical).getDocumentElement();
        List<HandlerOutput> outputs = new ArrayList<>();
        if (!root.getLocalName().equals("outputs") || root.getNamespaceURI() != null) {
            outputs.add(output(root, listener));
            return new Fit(outputs);
        }
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
        String xml = canonical(payload);
        if (to.isEmpty()) {
            return new HandlerOutput.Respond(xml);
        }
        boolean handOver = listener.peer(to).map(Listener.Peer::handOver).orElse(false);
        return handOver ? new HandlerOutput.HandOver(to, xml) : new HandlerOutput.Forward(to, xml);
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
