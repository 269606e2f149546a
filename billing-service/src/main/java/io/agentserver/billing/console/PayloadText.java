package io.agentserver.billing.console;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;

/** The payload of an envelope, indented for people. */
final class PayloadText {
    private static final Logger LOG = LoggerFactory.getLogger(PayloadText.class);

    private PayloadText() {}

    /** The text as it is, should it be no envelope. */
    static String of(String envelope) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            Document document = factory.newDocumentBuilder().parse(new InputSource(new StringReader(envelope)));
            Element payload = last(document.getDocumentElement());
            return payload == null ? envelope : indented(payload);
        } catch (SAXException | IOException | ParserConfigurationException | TransformerException e) {
            LOG.debug("shown as it is", e);
            return envelope;
        }
    }

    /** The payload stands behind {@code meta}. */
    private static @org.jspecify.annotations.Nullable Element last(Element message) {
        for (Node node = message.getLastChild(); node != null; node = node.getPreviousSibling()) {
            if (node instanceof Element element) {
                return element;
            }
        }
        return null;
    }

    private static String indented(Element payload) throws TransformerException {
        TransformerFactory factory = TransformerFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        Transformer transformer = factory.newTransformer();
        transformer.setOutputProperty(OutputKeys.INDENT, "yes");
        transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
        StringWriter out = new StringWriter();
        transformer.transform(new DOMSource(payload), new StreamResult(out));
        return out.toString().strip();
    }
}
