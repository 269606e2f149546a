package io.agentserver.organism;

import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;

import static io.agentserver.organism.XsdReader.isXs;

/**
 * Counts what an XSD grows to once its numbered repetitions, references and bases are written out, before the JDK does that:
 * a few hundred bytes that refer to each other ten times over are 10^n particles or union members for it, and its automaton
 * takes time that grows with the cube of a type's particles. In: a schema. Out: every bound that it breaks, and the steps that
 * compiling it takes. Every particle counts, also one that holds nothing. Used once, on one thread.
 */
final class SchemaCost {

    static final long MOST_OF_A_TYPE = 1000;
    static final long MOST_OF_A_SCHEMA = 5000;
    static final long MOST_MEMBERS = 64;
    static final int MOST_SUBSTITUTES = 100;
    static final int MOST_KEY_PATHS = 32;

    private static final long HUGE = 1_000_000;
    /** A member of a union that does not take a value says so with an exception. */
    private static final long STEPS_A_MEMBER = 1500;

    private final Element schema;
    private final NodeList all;
    private final Map<String, Element> declared = new HashMap<>();
    private final Map<String, Long> sizes = new HashMap<>();
    private final Set<String> heads = new HashSet<>();
    private final List<XsdReading.Flaw> flaws = new ArrayList<>();
    private long substitutes;
    private long members = 1;
    private long keyPaths;
    private long enumerations;
    private long steps;

    private SchemaCost(Element schema) {
        this.schema = schema;
        this.all = schema.getElementsByTagNameNS(XMLConstants.W3C_XML_SCHEMA_NS_URI, "*");
    }

    static SchemaCost of(Element schema) {
        SchemaCost cost = new SchemaCost(schema);
        cost.count();
        return cost;
    }

    List<XsdReading.Flaw> flaws() {
        return flaws;
    }

    long steps() {
        return steps;
    }

    /** The paths of the schema's keys, each of which is looked for at every element. */
    long keyPaths() {
        return keyPaths;
    }

    /** The steps that one word of a payload can take in a union or an enumeration. */
    long stepsAWord() {
        return members * (members > 1 ? STEPS_A_MEMBER : 1) + (members + 1) * enumerations * 10;
    }

    private void count() {
        for (Element child : XsdExample.children(schema)) {
            declared.putIfAbsent(key(child.getLocalName(), child.getAttribute("name")), child);
        }
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            if (element.hasAttribute("substitutionGroup")) {
                substitutes++;
                heads.add(local(element.getAttribute("substitutionGroup")));
            }
            if (isXs(element, "selector") || isXs(element, "field")) {
                keyPaths += element.getAttribute("xpath").split("\\|", -1).length;
            }
        }
        if (substitutes > MOST_SUBSTITUTES) {
            flaw(
                    "the schema has over " + MOST_SUBSTITUTES + " elements with a substitutionGroup",
                    "use an xs:choice, or fewer of them");
        }
        if (keyPaths > MOST_KEY_PATHS) {
            flaw(
                    "the schema's keys have over " + MOST_KEY_PATHS + " paths (selectors and fields)",
                    "declare fewer xs:key, xs:keyref and xs:unique");
        }
        if (new ReferenceDepth(schema).tooDeep()) {
            flaw(
                    "the schema's types or groups refer to each other over " + ReferenceDepth.DEEPEST + " deep",
                    "write some of them out where they are used");
        }
        if (flaws.isEmpty()) {
            types();
            values();
        }
    }

    private void types() {
        long nodes = 0;
        long attributes = 0;
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            boolean type = isXs(element, "complexType");
            if (type || isXs(element, "group")) {
                long own = type ? ofType(element) : particles(element);
                nodes += own > MOST_OF_A_TYPE ? MOST_OF_A_SCHEMA + 1 : own;
                steps += cube(own);
            }
            if (type || isXs(element, "attributeGroup")) {
                long own = attributes(element);
                attributes = Math.max(attributes, own);
                steps += Math.min(own, HUGE) * Math.min(own, HUGE);
            }
            if (isXs(element, "simpleType")) {
                members = Math.max(members, members(element));
            }
        }
        if (nodes > MOST_OF_A_SCHEMA) {
            flaw(
                    "the schema's content models are too large: over " + MOST_OF_A_TYPE + " particles in a type or "
                            + MOST_OF_A_SCHEMA + " in all, repetitions and references counted",
                    "use maxOccurs=\"unbounded\" for large numbers, or split the types");
        }
        if (attributes > MOST_OF_A_TYPE) {
            flaw(
                    "a type of the schema has over " + MOST_OF_A_TYPE + " attributes, references counted",
                    "refer to each attribute group once, or use elements");
        }
        if (members > MOST_MEMBERS) {
            flaw(
                    "a union of the schema has over " + MOST_MEMBERS + " member types, those of its members counted",
                    "name each member type once, or use xs:string with a pattern");
        }
    }

    /** Every value that the schema itself gives is read when it is compiled. */
    private void values() {
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            if (isXs(element, "enumeration")) {
                enumerations++;
            }
            long words = 0;
            for (String given : List.of("value", "default", "fixed")) {
                words += (element.getAttribute(given).length() + 1) / 2;
            }
            steps += words * members * STEPS_A_MEMBER;
        }
    }

    private void flaw(String reason, String remedy) {
        flaws.add(new XsdReading.Flaw(1, reason, remedy));
    }

    private static long cube(long size) {
        long bounded = Math.min(size, HUGE);
        return bounded > MOST_OF_A_TYPE ? SchemaBudget.MOST_STEPS : bounded * bounded * bounded;
    }

    /** The particles of one complex type with those of its base, which an extension repeats and a restriction is compared to. */
    private long ofType(Element complexType) {
        long size = 0;
        for (Element child : XsdExample.children(complexType)) {
            if (isXs(child, "complexContent")) {
                for (Element derivation : XsdExample.children(child)) {
                    size += global("complexType", derivation.getAttribute("base")) + particles(derivation);
                }
            }
        }
        return Math.min(HUGE, size + particles(complexType));
    }

    private long particles(Element parent) {
        long size = 0;
        for (Element child : XsdExample.children(parent)) {
            if (isXs(child, "element")) {
                boolean head = heads.contains(local(child.getAttribute("ref")));
                size += times(child) * (head ? 1 + substitutes : 1);
            } else if (isXs(child, "any")) {
                size += times(child) * words(child.getAttribute("namespace"));
            } else if (isXs(child, "group")) {
                size += times(child) * (1 + global("group", child.getAttribute("ref")));
            } else if (isXs(child, "sequence") || isXs(child, "choice") || isXs(child, "all")) {
                size += times(child) * (1 + particles(child));
            }
            size = Math.min(HUGE, size);
        }
        return size;
    }

    private long attributes(Element parent) {
        long size = 0;
        for (Element child : XsdExample.children(parent)) {
            if (isXs(child, "attribute")) {
                size++;
            } else if (isXs(child, "anyAttribute")) {
                size += words(child.getAttribute("namespace"));
            } else if (isXs(child, "attributeGroup")) {
                size += 1 + global("attributeGroup", child.getAttribute("ref"));
            } else if (isXs(child, "complexContent") || isXs(child, "simpleContent")) {
                for (Element derivation : XsdExample.children(child)) {
                    size += attributes(derivation) + global("attributes of", derivation.getAttribute("base"));
                }
            }
            size = Math.min(HUGE, size);
        }
        return size;
    }

    /** Into how many member types a simple type falls apart; 1 if it is no union. */
    private long members(Element simpleType) {
        long size = 0;
        for (Element child : XsdExample.children(simpleType)) {
            boolean union = isXs(child, "union");
            if (!union && !isXs(child, "restriction") && !isXs(child, "list")) {
                continue;
            }
            String names = child.getAttribute("memberTypes") + " " + child.getAttribute("base") + " "
                    + child.getAttribute("itemType");
            for (String name : names.strip().split("\\s+", -1)) {
                size += name.isEmpty() ? 0 : Math.max(1, global("simpleType", name));
                size = Math.min(HUGE, size);
            }
            for (Element inline : XsdExample.children(child)) {
                size = Math.min(HUGE, size + (isXs(inline, "simpleType") ? members(inline) : 0));
            }
        }
        return Math.max(1, size);
    }

    /** 0 for what is not declared here; what contains itself is refused by the compiler. */
    private long global(String kind, String qualifiedName) {
        boolean attributes = kind.equals("attributes of");
        String name = local(qualifiedName);
        String key = key(kind, name);
        Long known = sizes.get(key);
        if (known != null) {
            return known;
        }
        Element declaration = declared.get(attributes ? key("complexType", name) : key);
        sizes.put(key, 0L);
        long size = 0;
        if (declaration != null) {
            size = switch (kind) {
                case "group" -> particles(declaration);
                case "complexType" -> ofType(declaration);
                case "simpleType" -> members(declaration);
                default -> attributes(declaration);
            };
        }
        sizes.put(key, size);
        return size;
    }

    private static String key(String kind, String name) {
        return kind + " " + name;
    }

    static String local(String qualifiedName) {
        String name = qualifiedName.strip();
        return name.substring(name.indexOf(':') + 1);
    }

    private static long words(String list) {
        return list.strip().split("\\s+", -1).length;
    }

    private static long times(Element particle) {
        return Math.max(
                1, Math.max(number(particle.getAttribute("minOccurs")), number(particle.getAttribute("maxOccurs"))));
    }

    private static long number(String occurs) {
        String digits = occurs.strip();
        if (digits.matches("[0-9]{1,6}")) {
            return Long.parseLong(digits);
        }
        // "unbounded" is a loop, not a copy; what is no number is refused by the compiler
        return digits.matches("\\+?[0-9]+") ? HUGE : 1;
    }
}
