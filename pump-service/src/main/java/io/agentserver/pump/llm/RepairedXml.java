package io.agentserver.pump.llm;

import io.agentserver.pump.handler.XmlText;
import org.jsoup.nodes.Attribute;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.parser.Parser;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A model's text read as XML by jsoup's tolerant parser: open elements are closed, stray end tags dropped, bare {@code &}
 * and {@code <} are text. Written back well-formed, without comments, instructions and doctypes. Stateless.
 */
final class RepairedXml {
    /** An envelope's; deeper ones are cut off and so fail their schema. */
    private static final int DEEPEST = 60;

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*(:[A-Za-z_][A-Za-z0-9_.-]*)?");

    private RepairedXml() {}

    /** The top-level nodes. */
    static List<Node> read(String text) {
        return Parser.xmlParser().parseInput(text, "").childNodes();
    }

    static String localName(Element element) {
        String name = element.tagName();
        return name.substring(name.indexOf(':') + 1);
    }

    static String write(Element element) {
        StringBuilder xml = new StringBuilder();
        write(element, xml, 0);
        return xml.toString();
    }

    private static void write(Element element, StringBuilder xml, int depth) {
        if (depth > DEEPEST || !NAME.matcher(element.tagName()).matches()) {
            return;
        }
        xml.append('<').append(element.tagName());
        for (Attribute attribute : element.attributes()) {
            if (NAME.matcher(attribute.getKey()).matches()) {
                xml.append(' ').append(attribute.getKey()).append("=\"");
                xml.append(XmlText.escape(attribute.getValue())).append('"');
            }
        }
        xml.append('>');
        for (Node child : element.childNodes()) {
            if (child instanceof Element inner) {
                write(inner, xml, depth + 1);
            } else if (child instanceof TextNode text) {
                xml.append(XmlText.escape(text.getWholeText()));
            }
        }
        xml.append("</").append(element.tagName()).append('>');
    }
}
