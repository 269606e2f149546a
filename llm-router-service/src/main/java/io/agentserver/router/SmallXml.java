package io.agentserver.router;

import org.w3c.dom.Attr;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.ErrorHandler;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/** An element of a prompt, for the simulated model alone. No DTD, nothing fetched, at most 64 levels deep. */
record SmallXml(Element element) {
    /** Example values of fields that are not text: a number, a truth value, a date or a time. */
    private static final Pattern NOT_TEXT = Pattern.compile(
            "[-+]?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{2}:[0-9]{2}:.*|P.*[0-9][YMDHS]");

    static Optional<SmallXml> parse(String text) {
        if (!text.startsWith("<")) {
            return Optional.empty();
        }
        try {
            DocumentBuilder builder = factory().newDocumentBuilder();
            builder.setErrorHandler(new Quiet());
            return Optional.of(new SmallXml(
                    builder.parse(new InputSource(new StringReader(text))).getDocumentElement()));
        } catch (SAXException notXml) {
            return Optional.empty();
        } catch (ParserConfigurationException | IOException e) {
            throw new IllegalStateException("the JDK's parser, reading a string", e);
        }
    }

    List<SmallXml> children(String name) {
        return elements().stream()
                .filter(e -> e.element().getTagName().equals(name))
                .toList();
    }

    Optional<SmallXml> onlyChild() {
        List<SmallXml> all = elements();
        return all.size() == 1 ? Optional.of(all.getFirst()) : Optional.empty();
    }

    /** Empty if there is none of that name. */
    String attribute(String name) {
        return element.getAttribute(name);
    }

    /** All text in it, the pieces joined by a space. */
    String text() {
        List<String> pieces = new ArrayList<>();
        collect(element, pieces);
        return String.join(" ", pieces);
    }

    /** The element as XML, with {@code text} in every leaf whose content is a text. */
    String filledWith(String text) {
        StringBuilder xml = new StringBuilder();
        write(element, text, xml);
        return xml.toString();
    }

    private List<SmallXml> elements() {
        List<SmallXml> elements = new ArrayList<>();
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                elements.add(new SmallXml(child));
            }
        }
        return elements;
    }

    private static void collect(Node parent, List<String> pieces) {
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node.getNodeType() == Node.TEXT_NODE || node.getNodeType() == Node.CDATA_SECTION_NODE) {
                String piece = node.getNodeValue().strip();
                if (!piece.isEmpty()) {
                    pieces.add(piece);
                }
            } else {
                collect(node, pieces);
            }
        }
    }

    private static void write(Element element, String text, StringBuilder out) {
        out.append('<').append(element.getTagName());
        for (int i = 0; i < element.getAttributes().getLength(); i++) {
            Attr attribute = (Attr) element.getAttributes().item(i);
            out.append(' ').append(attribute.getName()).append("=\"");
            escape(attribute.getValue(), out);
            out.append('"');
        }
        out.append('>');
        List<SmallXml> children = new SmallXml(element).elements();
        for (SmallXml child : children) {
            write(child.element(), text, out);
        }
        if (children.isEmpty()) {
            String example = element.getTextContent().strip();
            boolean isText = !example.isEmpty() && !NOT_TEXT.matcher(example).matches();
            escape(isText ? text : example, out);
        }
        out.append("</").append(element.getTagName()).append('>');
    }

    private static void escape(String text, StringBuilder out) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                default -> out.append(c);
            }
        }
    }

    /** Without namespaces: prefixes and declarations stay as they are written. */
    private static DocumentBuilderFactory factory() throws ParserConfigurationException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.setAttribute("jdk.xml.maxElementDepth", "64");
        return factory;
    }

    /** The default one writes to standard error. */
    private static final class Quiet implements ErrorHandler {
        @Override
        public void warning(SAXParseException warning) {}

        @Override
        public void error(SAXParseException error) throws SAXException {
            throw error;
        }

        @Override
        public void fatalError(SAXParseException error) throws SAXException {
            throw error;
        }
    }
}
