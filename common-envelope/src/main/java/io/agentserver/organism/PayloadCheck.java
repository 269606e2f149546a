package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.xml.sax.ErrorHandler;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.AttributesImpl;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.xml.XMLConstants;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import javax.xml.validation.ValidatorHandler;

/**
 * One validation of one payload: strict reader in, the JDK's validator driven event by event, so that each of its complaints
 * is known by the element that is open just then. Used once, on one thread.
 */
final class PayloadCheck implements ErrorHandler {

    private static final int MOST_PROBLEMS = 20;
    private static final double MOST_STEPS = 2e9;

    private final PayloadType type;
    private final Map<String, Problem> problems = new LinkedHashMap<>();
    private final Deque<Open> path = new ArrayDeque<>();
    private int elements;
    private double steps;

    PayloadCheck(PayloadType type) {
        this.type = type;
    }

    /** An open element: its step in the pointer, the text since its start, and how many children of a name it had. */
    private static final class Open {
        final String step;
        final Map<String, Integer> children = new HashMap<>();
        final boolean costly;
        int text;
        int words;
        boolean inWord;

        Open(String step, boolean costly) {
            this.step = step;
            this.costly = costly;
        }
    }

    List<Problem> run(String payloadXml) {
        try {
            XMLStreamReader reader = StrictXml.reader(payloadXml);
            ValidatorHandler validator = type.takeValidator();
            validator.setErrorHandler(this);
            drive(reader, validator);
            if (problems.isEmpty()) {
                type.giveBack(validator); // it has seen the end of a document; another may have stopped anywhere
            }
        } catch (XMLStreamException e) {
            problem("is not well-formed XML within the platform's limits");
        } catch (SAXException e) {
            problem("does not fit the schema");
        }
        return List.copyOf(problems.values());
    }

    private void drive(XMLStreamReader reader, ValidatorHandler validator) throws XMLStreamException, SAXException {
        validator.startDocument();
        while (reader.hasNext() && problems.size() < MOST_PROBLEMS) {
            switch (reader.next()) {
                case XMLStreamConstants.START_ELEMENT -> {
                    open(reader);
                    if (!isKnownRoot(reader) || !start(reader, validator)) {
                        return;
                    }
                }
                case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE -> {
                    if (!text(reader, validator)) {
                        return;
                    }
                }
                case XMLStreamConstants.END_ELEMENT -> {
                    if (!ended()) {
                        return;
                    }
                    validator.endElement(
                            reader.getNamespaceURI() == null ? "" : reader.getNamespaceURI(),
                            reader.getLocalName(),
                            qualified(reader.getPrefix(), reader.getLocalName()));
                    for (int i = 0; i < reader.getNamespaceCount(); i++) {
                        validator.endPrefixMapping(Objects.requireNonNullElse(reader.getNamespacePrefix(i), ""));
                    }
                    path.removeLast();
                }
                default -> {
                    // comments and the end of the document say nothing to a schema
                }
            }
        }
        if (path.isEmpty()) {
            validator.endDocument();
        }
    }

    private void open(XMLStreamReader reader) {
        String name = reader.getLocalName();
        Open parent = path.peekLast();
        int nth = parent == null ? 1 : parent.children.merge(name, 1, Integer::sum);
        boolean costly = type.values().isCostly(name) || (type.values().isCostly() && namesItsType(reader));
        path.addLast(new Open(nth == 1 ? name : name + "[" + nth + "]", costly));
    }

    private static boolean namesItsType(XMLStreamReader reader) {
        for (int i = 0; i < reader.getAttributeCount(); i++) {
            if (XMLConstants.W3C_XML_SCHEMA_INSTANCE_NS_URI.equals(reader.getAttributeNamespace(i))) {
                return true;
            }
        }
        return false;
    }

    /** Whether the schema can afford the text of the element that ends. */
    private boolean ended() {
        Open open = path.peekLast();
        return open == null || !open.costly || spend(type.values().steps(open.text, open.words));
    }

    private boolean spend(double more) {
        steps += more;
        if (steps <= MOST_STEPS) {
            return true;
        }
        problem("is where the payload becomes too much for the patterns, unions or keys of this schema");
        return false;
    }

    /** A schema may declare more global elements than the one that is this type's root. */
    private boolean isKnownRoot(XMLStreamReader reader) {
        String namespace = Objects.requireNonNullElse(reader.getNamespaceURI(), "");
        if (path.size() > 1 || type.hasRoot(reader.getLocalName(), namespace)) {
            return true;
        }
        problem("is not the expected root element " + type.rootText());
        return false;
    }

    private boolean start(XMLStreamReader reader, ValidatorHandler validator) throws SAXException {
        for (int i = 0; i < reader.getNamespaceCount(); i++) {
            validator.startPrefixMapping(
                    Objects.requireNonNullElse(reader.getNamespacePrefix(i), ""),
                    Objects.requireNonNullElse(reader.getNamespaceURI(i), ""));
        }
        if (!spend(type.values().stepsOfElement(++elements, path.size()))) {
            return false;
        }
        AttributesImpl attributes = new AttributesImpl();
        for (int i = 0; i < reader.getAttributeCount(); i++) {
            String value = reader.getAttributeValue(i);
            if (isTooLong(value.length())
                    || (type.values().isCostly(reader.getAttributeLocalName(i))
                            && !spend(type.values().steps(value.length(), (value.length() + 1) / 2)))) {
                return false;
            }
            attributes.addAttribute(
                    Objects.requireNonNullElse(reader.getAttributeNamespace(i), ""),
                    reader.getAttributeLocalName(i),
                    qualified(reader.getAttributePrefix(i), reader.getAttributeLocalName(i)),
                    "CDATA",
                    value);
        }
        validator.startElement(
                Objects.requireNonNullElse(reader.getNamespaceURI(), ""),
                reader.getLocalName(),
                qualified(reader.getPrefix(), reader.getLocalName()),
                attributes);
        return true;
    }

    private boolean text(XMLStreamReader reader, ValidatorHandler validator) throws SAXException {
        Open open = path.peekLast();
        if (open == null) {
            return true;
        }
        open.text += reader.getTextLength();
        if (isTooLong(open.text)) {
            return false;
        }
        if (open.costly) {
            countWords(reader, open);
        }
        validator.characters(reader.getTextCharacters(), reader.getTextStart(), reader.getTextLength());
        return true;
    }

    private static void countWords(XMLStreamReader reader, Open open) {
        char[] text = reader.getTextCharacters();
        int end = reader.getTextStart() + reader.getTextLength();
        for (int i = reader.getTextStart(); i < end; i++) {
            boolean space = text[i] <= ' ';
            open.words += space || open.inWord ? 0 : 1;
            open.inWord = !space;
        }
    }

    private boolean isTooLong(int length) {
        if (length <= type.values().longestText()) {
            return false;
        }
        problem("is longer than " + type.values().longestText()
                + " characters, the most that this schema's patterns allow");
        return true;
    }

    private static String qualified(@Nullable String prefix, String localName) {
        return prefix == null || prefix.isEmpty() ? localName : prefix + ":" + localName;
    }

    private void problem(String reason) {
        String pointer = pointer();
        problems.putIfAbsent(pointer, new Problem(pointer, reason));
    }

    private String pointer() {
        if (path.isEmpty()) {
            return "/";
        }
        StringBuilder out = new StringBuilder();
        for (Iterator<Open> steps = path.iterator(); steps.hasNext(); ) {
            out.append('/').append(steps.next().step);
        }
        return out.toString();
    }

    @Override
    public void warning(SAXParseException exception) {
        // a warning does not make a payload invalid
    }

    @Override
    public void error(SAXParseException exception) {
        problem(PlainReasons.of(Objects.requireNonNullElse(exception.getMessage(), "")));
    }

    @Override
    public void fatalError(SAXParseException exception) {
        error(exception);
    }
}
