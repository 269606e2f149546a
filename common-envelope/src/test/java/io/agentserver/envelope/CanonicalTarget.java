package io.agentserver.envelope;

import org.apache.xml.security.c14n.CanonicalizationException;
import org.apache.xml.security.c14n.implementations.Canonicalizer20010315ExclOmitComments;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/**
 * Fuzz target: any bytes, canonicalised if the reader takes them. The canonical form is its own canonical form, and is what Santuario
 * writes of the document that another parser, the JDK's, reads; that one takes whatever ours takes.
 */
final class CanonicalTarget {
    private static final XmlLimits LARGER = new XmlLimits(4 * 1024 * 1024, 64, 4096, 64, 1024);

    private CanonicalTarget() {}

    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length > XmlLimits.DEFAULT.bytes()) {
            return; // the reader looks at the size before it parses
        }
        String form;
        try {
            form = CanonicalXml.of(StrictXml.parse(input, XmlLimits.DEFAULT));
        } catch (StrictXml.Refused e) {
            return;
        }
        try {
            String again = CanonicalXml.of(StrictXml.parse(form.getBytes(StandardCharsets.UTF_8), LARGER));
            ReaderTarget.require(again.equals(form), "not its own canonical form");
        } catch (StrictXml.Refused e) {
            throw new AssertionError("the canonical form is refused: " + e.reason());
        }
        ReaderTarget.require(bySantuario(input).equals(form), "not what Santuario writes of it");
    }

    private static String bySantuario(byte[] input) {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            new Canonicalizer20010315ExclOmitComments().engineCanonicalizeSubTree(parsed(input), out);
            return out.toString(StandardCharsets.UTF_8);
        } catch (SAXException | IOException e) {
            throw new AssertionError("the JDK's parser refuses what ours takes", e);
        } catch (ParserConfigurationException | CanonicalizationException e) {
            throw new AssertionError(e);
        }
    }

    private static Document parsed(byte[] input) throws ParserConfigurationException, SAXException, IOException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.setAttribute("jdk.xml.maxXMLNameLimit", "0"); // shorter than ours
        DocumentBuilder builder = factory.newDocumentBuilder();
        builder.setErrorHandler(new DefaultHandler()); // says nothing on standard error
        return builder.parse(new ByteArrayInputStream(input));
    }
}
