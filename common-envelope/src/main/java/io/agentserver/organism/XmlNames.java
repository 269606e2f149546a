package io.agentserver.organism;

import com.ctc.wstx.io.WstxInputData;
import org.w3c.dom.DOMException;
import org.w3c.dom.DOMImplementation;

import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/** What may be written into XML: names, characters, escaped text. */
final class XmlNames {

    static final int LONGEST = 128;

    private static final Pattern ASCII = Pattern.compile("[A-Za-z_][A-Za-z0-9._-]*");

    /** Without state; to make one for each name would cost more than reading the document. */
    private static final DOMImplementation DOM = dom();

    private XmlNames() {}

    /** Whether this is an XML name without a colon that both the reader (Woodstox) and the validator (JDK) take. */
    static boolean isName(String name) {
        if (name.isEmpty() || name.length() > LONGEST || name.indexOf(':') >= 0) {
            return false;
        }
        if (ASCII.matcher(name).matches()) {
            return true;
        }
        return WstxInputData.findIllegalNameChar(name, true, false) < 0 && isNameForTheJdk(name);
    }

    /** The JDK keeps to the name tables of an older edition of XML; only its DOM tells. */
    private static boolean isNameForTheJdk(String name) {
        try {
            DOM.createDocument(null, name, null);
            return true;
        } catch (DOMException e) {
            return false;
        }
    }

    private static DOMImplementation dom() {
        try {
            return DocumentBuilderFactory.newDefaultNSInstance()
                    .newDocumentBuilder()
                    .getDOMImplementation();
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's XML parser cannot be made", e);
        }
    }

    /** Whether XML 1.0 can carry every character of the text: no control characters, no lone surrogates. */
    static boolean isText(String text) {
        return text.codePoints()
                .allMatch(c -> (c >= 0x20 && c <= 0xD7FF)
                        || c == '\t'
                        || c == '\n'
                        || c == '\r'
                        || (c >= 0xE000 && c <= 0xFFFD)
                        || c >= 0x10000);
    }

    /** Escapes for text and for attributes in double quotes; white space survives both. */
    static void escape(String text, boolean attribute, StringBuilder out) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '\r' -> out.append("&#xD;");
                case '"' -> out.append(attribute ? "&quot;" : "\"");
                case '\n' -> out.append(attribute ? "&#xA;" : "\n");
                case '\t' -> out.append(attribute ? "&#x9;" : "\t");
                default -> out.append(c);
            }
        }
    }

    static String escaped(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        escape(text, true, out);
        return out.toString();
    }
}
