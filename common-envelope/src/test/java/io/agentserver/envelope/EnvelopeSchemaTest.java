package io.agentserver.envelope;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.validation.SchemaFactory;
import javax.xml.validation.Validator;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The reader's hand-written rules take exactly what {@code envelope.xsd} takes, by the JDK's validator, and the {@link Rule}s take,
 * which XML Schema 1.0 cannot say. What is inside a foreign element of {@code <meta>} we leave alone, and a validator does not: it is
 * taken out before.
 */
class EnvelopeSchemaTest {
    private static final String XSI = XMLConstants.W3C_XML_SCHEMA_INSTANCE_NS_URI;
    private static final Set<String> KNOWN =
            Set.of(EnvelopeNames.ENVELOPE, EnvelopeNames.DELIVERY, EnvelopeNames.SECURITY);
    private static final String UUID = "0199c0de-7a11-7000-8000-00000000000";

    /** The whole list; common-envelope/README.md has it too. */
    private enum Rule {
        EACH_OF_OURS_ONCE,
        NO_UNKNOWN_ELEMENT_OF_OURS_IN_META,
        NO_SECOND_MESSAGE_OR_META_AS_PAYLOAD,
        NO_XSI_ATTRIBUTES
    }

    private static Validator validator;
    private static DocumentBuilder builder;

    @BeforeAll
    static void compile() throws Exception {
        validator = SchemaFactory.newDefaultInstance()
                .newSchema(Objects.requireNonNull(EnvelopeDocument.class.getResource("envelope.xsd")))
                .newValidator();
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
        factory.setAttribute("jdk.xml.maxXMLNameLimit", "0"); // shorter than ours
        builder = factory.newDocumentBuilder();
    }

    @Test
    void takes_what_the_schema_and_the_listed_rules_take() throws Exception {
        int tries = 6_000;
        int taken = 0;
        Map<Rule, Integer> alone = new EnumMap<>(Rule.class);
        for (int i = 0; i < tries; i++) {
            long seed = Long.getLong("seed", RandomGenerator.getDefault().nextLong());
            String xml = new Generator(new Random(seed)).message();
            Reading reading = EnvelopeDocument.read(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT);
            assertThat(reading).as("-Dseed=" + seed + ": " + xml).isNotInstanceOf(Reading.Malformed.class);
            Document document = parsed(xml);
            Set<Rule> broken = broken(document);
            boolean fits = fits(document);
            assertThat(reading instanceof Reading.Read)
                    .as("-Dseed=%s: the schema says %s, broken: %s, ours: %s%n%s", seed, fits, broken, reading, xml)
                    .isEqualTo(fits && broken.isEmpty());
            taken += reading instanceof Reading.Read ? 1 : 0;
            if (fits && broken.size() == 1) {
                alone.merge(broken.iterator().next(), 1, Integer::sum);
            }
        }
        assertThat(taken).as("good ones of %s", tries).isBetween(tries / 10, tries * 9 / 10);
        assertThat(alone).as("each rule is needed").containsOnlyKeys(Rule.values());
    }

    @Test
    void takes_of_the_samples_what_the_schema_and_the_listed_rules_take() throws Exception {
        for (Samples.Sample sample : Samples.load().samples()) {
            Reading reading = EnvelopeDocument.read(sample.bytes(), XmlLimits.DEFAULT);
            if (reading instanceof Reading.Read || reading instanceof Reading.Invalid) {
                Document document = builder.parse(new ByteArrayInputStream(sample.bytes()));
                Set<Rule> broken = broken(document);
                assertThat(reading instanceof Reading.Read)
                        .as(sample + ": " + reading)
                        .isEqualTo(fits(document) && broken.isEmpty());
            }
        }
    }

    private static Document parsed(String xml) throws SAXException, IOException {
        return builder.parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
    }

    private static boolean fits(Document document) throws IOException {
        for (Element child : children(meta(document))) {
            if (!KNOWN.contains(namespace(child))) {
                child.setTextContent("");
                Arrays.asList("type", "nil").forEach(name -> child.removeAttributeNS(XSI, name));
            }
        }
        try {
            validator.validate(new DOMSource(document));
            return true;
        } catch (SAXException e) {
            return false;
        }
    }

    private static Set<Rule> broken(Document document) {
        Set<Rule> broken = EnumSet.noneOf(Rule.class);
        Element message = document.getDocumentElement();
        List<Element> looked = new ArrayList<>(List.of(message));
        children(message).stream().skip(1).forEach(payload -> {
            if (namespace(payload).equals(EnvelopeNames.ENVELOPE)
                    && Set.of("message", "meta").contains(payload.getLocalName())) {
                broken.add(Rule.NO_SECOND_MESSAGE_OR_META_AS_PAYLOAD);
            }
        });
        List<String> ours = new ArrayList<>();
        looked.add(meta(document));
        for (Element child : children(meta(document))) {
            String namespace = namespace(child);
            if (KNOWN.contains(namespace)) {
                looked.add(child);
                ours.add(namespace + child.getLocalName());
            }
            boolean known = namespace.equals(EnvelopeNames.DELIVERY)
                            && Set.of("id", "conversation", "turn", "cause").contains(child.getLocalName())
                    || namespace.equals(EnvelopeNames.SECURITY)
                            && child.getLocalName().equals("jwt")
                    || namespace.equals(EnvelopeNames.ENVELOPE); // the schema says which of these
            if (namespace.startsWith("https://xml-pipeline.org/") && !known) {
                broken.add(Rule.NO_UNKNOWN_ELEMENT_OF_OURS_IN_META);
            }
        }
        if (Set.copyOf(ours).size() < ours.size()) {
            broken.add(Rule.EACH_OF_OURS_ONCE);
        }
        if (looked.stream()
                .anyMatch(element -> IntStream.range(0, element.getAttributes().getLength())
                        .anyMatch(
                                i -> XSI.equals(element.getAttributes().item(i).getNamespaceURI())))) {
            broken.add(Rule.NO_XSI_ATTRIBUTES);
        }
        return broken;
    }

    /** The first element, whatever it is. */
    private static Element meta(Document document) {
        List<Element> children = children(document.getDocumentElement());
        return children.isEmpty() ? document.createElement("none") : children.getFirst();
    }

    private static List<Element> children(Element parent) {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                children.add(element);
            }
        }
        return children;
    }

    private static String namespace(Element element) {
        return element.getNamespaceURI() == null ? "" : element.getNamespaceURI();
    }

    /** Envelopes that are right but for a few things. */
    private static final class Generator {
        private static final String[] NAMES = {
            "a",
            "A.b_c-9",
            "\n a\t",
            "&#97;",
            "<![CDATA[a]]>b",
            "",
            " ",
            "1a",
            "a b",
            "\u2003a",
            "\u0441onsole",
            "a<b/>",
            "x".repeat(128),
            "x".repeat(129)
        };
        private static final String[] UUIDS = {
            UUID + "1",
            UUID.toUpperCase(java.util.Locale.ROOT) + "A",
            "\n" + UUID + "1 ",
            "",
            "1-1-1-1-1",
            "{" + UUID + "1}",
            UUID + "g",
            UUID + "1<x/>",
            UUID + "12"
        };
        private static final String[] TOKENS = {"a.b.c", "", " a b ", "<![CDATA[a.b]]>", "<x/>", "x"};
        private static final String[] BETWEEN = {"\n  ", "&#13;", "<![CDATA[ ]]>", "x", "\u2003", "&#xA0;", "\u2028"};
        private static final String[] PAYLOADS = {
            "<P xmlns=''/>",
            "<P/>",
            "<p:P xmlns:p='urn:p'>t<q/></p:P>",
            "<P xmlns='urn:p' xmlns:i='" + XSI + "' i:type='none'/>",
            "<from xmlns='" + EnvelopeNames.ENVELOPE + "'>1</from>",
            "<meta xmlns='" + EnvelopeNames.ENVELOPE + "'/>",
            "<m:message xmlns:m='" + EnvelopeNames.ENVELOPE + "'/>",
            "<meta xmlns=''/>",
            "<id xmlns='" + EnvelopeNames.DELIVERY + "'>1</id>",
            "<P xmlns=''><message xmlns='" + EnvelopeNames.ENVELOPE + "'/></P>"
        };
        private static final String[] FOREIGN = {
            "<t xmlns='urn:t' a='1'>x</t>",
            "<t:t xmlns:t='urn:t'><id xmlns='" + EnvelopeNames.DELIVERY + "'>1</id></t:t>",
            "<t xmlns='urn:t' xmlns:i='" + XSI + "' i:type='none'/>",
            "<t xmlns=''/>",
            "<t xmlns='https://xml-pipeline.org/ns/other/v1'/>",
            "<other xmlns='" + EnvelopeNames.DELIVERY + "'/>",
            "<other xmlns='" + EnvelopeNames.SECURITY + "'/>",
            "<t xmlns='https://xml-pipeline.organ/'/>",
            "<other xmlns='" + EnvelopeNames.ENVELOPE + "'/>",
            "<from xmlns='" + EnvelopeNames.DELIVERY + "'>a</from>"
        };
        private final Random random;
        private final String prefix;

        Generator(Random random) {
            this.random = random;
            this.prefix = random.nextInt(4) == 0 ? "e:" : "";
        }

        String message() {
            List<String> parts = new ArrayList<>();
            if (!rarely()) {
                parts.add(meta());
            }
            parts.add(usually(PAYLOADS, 5));
            if (rarely()) {
                parts.add(any(PAYLOADS));
            }
            if (rarely()) {
                parts.removeLast();
            }
            if (rarely()) {
                Collections.shuffle(parts, random);
            }
            String name = prefix + (rarely() ? "envelope" : "message");
            String namespace = rarely() ? "urn:other" : EnvelopeNames.ENVELOPE;
            return "<!-- c --><" + name + " " + (prefix.isEmpty() ? "xmlns" : "xmlns:e") + "='" + namespace + "'"
                    + attributes() + ">" + spaced(parts) + "</" + name + ">";
        }

        private String meta() {
            List<String> parts = new ArrayList<>();
            if (!rarely()) {
                parts.add(ours("from", NAMES));
            }
            if (random.nextBoolean()) {
                parts.add(ours("to", NAMES));
            }
            if (random.nextBoolean()) {
                parts.add(ours("thread", UUIDS));
            }
            for (String name : List.of("id", "conversation", "turn", "cause")) {
                if (random.nextInt(3) == 0) {
                    parts.add(element(name, EnvelopeNames.DELIVERY, UUIDS));
                }
            }
            if (random.nextInt(3) == 0) {
                parts.add(element("jwt", EnvelopeNames.SECURITY, TOKENS));
            }
            if (random.nextInt(4) == 0) {
                parts.add(usually(FOREIGN, 3));
            }
            if (rarely() && !parts.isEmpty()) {
                parts.add(parts.get(random.nextInt(parts.size())));
            }
            if (rarely()) {
                Collections.shuffle(parts, random);
            }
            String name = prefix + (rarely() ? "Meta" : "meta");
            return "<" + name + attributes() + ">" + spaced(parts) + "</" + name + ">";
        }

        private String ours(String name, String[] values) {
            return "<" + prefix + name + attributes() + ">" + usually(values, 5) + "</" + prefix + name + ">";
        }

        private String element(String name, String namespace, String[] values) {
            return random.nextBoolean()
                    ? "<" + name + " xmlns='" + namespace + "'" + attributes() + ">" + usually(values, 3) + "</" + name
                            + ">"
                    : "<n:" + name + " xmlns:n='" + namespace + "'" + attributes() + ">" + usually(values, 3) + "</n:"
                            + name + ">";
        }

        private String attributes() {
            return switch (random.nextInt(120)) {
                case 0 -> " a='1'";
                case 1 -> " xml:lang='en'";
                case 2 -> " xmlns:i='" + XSI + "' i:schemaLocation='a b'";
                case 3 -> " xmlns:i='" + XSI + "' i:nil='false'";
                case 4, 5, 6 -> " xmlns:u='urn:unused'";
                default -> "";
            };
        }

        private String spaced(List<String> parts) {
            StringBuilder spaced = new StringBuilder(space());
            for (String part : parts) {
                spaced.append(part).append(space());
            }
            return spaced.toString();
        }

        private String space() {
            return random.nextInt(4) == 0 ? usually(BETWEEN, 3) : "";
        }

        /** Nearly always one of the first, which are right. */
        private String usually(String[] values, int right) {
            return values[random.nextInt(random.nextInt(12) == 0 ? values.length : Math.min(right, values.length))];
        }

        private String any(String[] values) {
            return values[random.nextInt(values.length)];
        }

        private boolean rarely() {
            return random.nextInt(25) == 0;
        }
    }
}
