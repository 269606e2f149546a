package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.ErrorHandler;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.validation.Schema;

/**
 * Reads an XSD that a tenant wrote: a stranger's text that is compiled and run on everybody's machines. Bounded in size,
 * depth and in what compiling it and reading values with it can cost ({@link SchemaCost}, {@link PatternCost}, {@link
 * ValueCost}), before the compiler sees it; nothing is included, imported or fetched. Used once, on one thread; every flaw is
 * reported, not the first alone.
 */
final class XsdReader implements ErrorHandler {

    static final int MOST_BYTES = 64 * 1024;

    private static final String XS = XMLConstants.W3C_XML_SCHEMA_NS_URI;
    private static final int MOST_FLAWS = 20;
    private static final int LONGEST_SHOWN = 100;
    private static final Set<String> FETCHING = Set.of("import", "include", "redefine", "override");
    private static final Pattern UNRESOLVED = Pattern.compile("src-resolve[^']*'([^']+)'.*", Pattern.DOTALL);
    private static final String MEND = "correct the schema; it is XML Schema 1.0";

    private final List<XsdReading.Flaw> flaws = new ArrayList<>();
    private final List<PatternCost> patterns = new ArrayList<>();
    private final SchemaBudget budget;
    private ValueCost values = ValueCost.NONE;

    private XsdReader(SchemaBudget budget) {
        this.budget = budget;
    }

    /**
     * Reads it; {@code root} names the element that is meant where the schema has several global ones.
     *
     * @param budget of the whole organism
     */
    static XsdReading read(String xsd, @Nullable String root, SchemaBudget budget) {
        return new XsdReader(budget).run(xsd, root);
    }

    private XsdReading run(String xsd, @Nullable String root) {
        if (xsd.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
            flaw(1, "the schema is over " + MOST_BYTES / 1024 + " KiB", "make it smaller");
            return new XsdReading.Refused(flaws);
        }
        Document document = document(xsd);
        if (document == null) {
            return new XsdReading.Refused(flaws);
        }
        Element top = document.getDocumentElement();
        if (!isXs(top, "schema")) {
            flaw(
                    1,
                    "the schema's root element is not xs:schema",
                    "write <xs:schema xmlns:xs=\"" + XS + "\">…</xs:schema>");
            return new XsdReading.Refused(flaws);
        }
        check(top, xsd);
        String name = rootOf(top, root);
        // a schema that breaks a bound above must not get as far as the compiler
        Schema schema = flaws.isEmpty() ? compile(xsd) : null;
        if (schema == null || name == null || !flaws.isEmpty()) {
            return new XsdReading.Refused(flaws);
        }
        return new XsdReading.Usable(type(top, name, xsd, schema));
    }

    private PayloadType type(Element top, String name, String xsd, Schema schema) {
        String namespace = top.getAttribute("targetNamespace");
        boolean qualified = top.getAttribute("elementFormDefault").equals("qualified");
        String bare = "<" + name + (namespace.isEmpty() ? "" : " xmlns=\"" + XmlNames.escaped(namespace) + "\"") + "/>";
        PayloadType type = PayloadType.ofXsd(name, namespace, qualified, xsd, bare, values, schema);
        String example = XsdExample.of(top, name);
        return example != null && type.validate(example).isEmpty()
                ? PayloadType.ofXsd(name, namespace, qualified, xsd, example, values, schema)
                : type;
    }

    private @Nullable Document document(String xsd) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            factory.setAttribute("jdk.xml.maxElementDepth", Integer.toString(StrictXml.DEPTH));
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(this);
            return builder.parse(new InputSource(new StringReader(xsd)));
        } catch (SAXParseException e) {
            if (flaws.isEmpty()) {
                wrong(e);
            }
            return null;
        } catch (SAXException e) {
            flaw(1, "the schema is not well-formed XML without a DOCTYPE", MEND);
            return null;
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's XML parser cannot be made", e);
        } catch (IOException e) {
            throw new IllegalStateException("reading from a string failed", e);
        }
    }

    private void check(Element top, String xsd) {
        NodeList all = top.getElementsByTagNameNS(XS, "*");
        long patternSteps = 0;
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            if (FETCHING.contains(element.getLocalName())) {
                flaw(
                        1,
                        "the schema uses xs:" + element.getLocalName() + ", and nothing is ever fetched",
                        "write everything into the one schema");
            }
            if (isXs(element, "pattern")) {
                patternSteps += pattern(element.getAttribute("value"));
            }
        }
        SchemaCost cost = SchemaCost.of(top);
        cost.flaws().forEach(flaw -> flaw(flaw.line(), flaw.reason(), flaw.remedy()));
        if (flaws.isEmpty() && !budget.takeSchema(xsd, patternSteps + cost.steps())) {
            flaw(
                    1,
                    "the organism's schemas are too costly to compile, this one and those before it together",
                    "make content models, unions and patterns smaller, or declare payloads by fields");
        }
        values = ValueCost.of(top, patterns, cost);
    }

    /** The steps that compiling it takes. */
    private long pattern(String text) {
        PatternCost pattern = PatternCost.of(text);
        String shown = text.length() > LONGEST_SHOWN ? text.substring(0, LONGEST_SHOWN) + "…" : text;
        if (pattern.isTooLarge()) {
            flaw(
                    1,
                    "the pattern '" + shown + "' is too large once its numbers are written out, or nested too deep",
                    "use smaller numbers like {1,20}, ranges in classes, or xs:maxLength for the length");
        } else if (pattern.longestText() == 0) {
            flaw(
                    1,
                    "the pattern '" + shown + "' could take for ever to match",
                    "do not repeat what repeats or alternates inside; prefer character classes and bounds like {1,20}");
        }
        patterns.add(pattern);
        return pattern.steps();
    }

    private @Nullable String rootOf(Element top, @Nullable String root) {
        List<String> globals = new ArrayList<>();
        for (Element child : XsdExample.children(top)) {
            if (isXs(child, "element")) {
                globals.add(child.getAttribute("name"));
            }
        }
        String known = globals.stream().limit(MOST_FLAWS).collect(Collectors.joining(", "));
        if (globals.isEmpty()) {
            flaw(1, "the schema has no global element", "add an xs:element directly under xs:schema");
            return null;
        }
        if (root == null && globals.size() > 1) {
            flaw(1, "the schema has several global elements: " + known, "say with root: which one is the payload");
            return null;
        }
        if (root != null && !globals.contains(root)) {
            flaw(1, "the schema has no global element " + root + "; it has: " + known, "name one of them as root");
            return null;
        }
        return Objects.requireNonNullElse(root, globals.getFirst());
    }

    private @Nullable Schema compile(String xsd) {
        try {
            return XsdCompiler.compile(xsd, this);
        } catch (SAXException e) {
            if (flaws.isEmpty()) {
                flaw(1, "the schema does not compile", MEND);
            }
            return null;
        }
    }

    /** The author may read what the compiler says of his schema, without its rule numbers and its guesses. */
    private static String plain(SAXParseException exception) {
        String message = Objects.requireNonNullElse(exception.getMessage(), "it is not valid");
        if (message.startsWith("DOCTYPE")) {
            return "it has a DOCTYPE";
        }
        Matcher unresolved = UNRESOLVED.matcher(message);
        return unresolved.matches()
                ? "the name '" + unresolved.group(1) + "' is declared nowhere"
                : message.replaceFirst("^[A-Za-z0-9_.-]+: ", "");
    }

    static boolean isXs(Element element, String localName) {
        return XS.equals(element.getNamespaceURI()) && localName.equals(element.getLocalName());
    }

    private void flaw(int line, String reason, String remedy) {
        XsdReading.Flaw flaw = new XsdReading.Flaw(Math.max(1, line), reason, remedy);
        if (flaws.size() < MOST_FLAWS && !flaws.contains(flaw)) {
            flaws.add(flaw);
        }
    }

    @Override
    public void warning(SAXParseException exception) {
        // a warning does not make a schema unusable
    }

    @Override
    public void error(SAXParseException exception) throws SAXException {
        wrong(exception);
        if (flaws.size() >= MOST_FLAWS) {
            throw new SAXException("enough is wrong");
        }
    }

    @Override
    public void fatalError(SAXParseException exception) throws SAXException {
        error(exception);
    }

    private void wrong(SAXParseException exception) {
        flaw(exception.getLineNumber(), "the schema is wrong: " + plain(exception), MEND);
    }
}
