package io.agentserver.organism;

import org.w3c.dom.Element;

import java.util.HashMap;
import java.util.Map;

import static io.agentserver.organism.XsdReader.isXs;

/**
 * Counts the nodes of an XSD's content models once their numbered repetitions, group references and bases are written out.
 * The JDK makes its automaton from these when a type is first used, in time that grows with their square, and its own limit
 * of 5,000 nodes lets one payload burn seconds. Used once, on one thread.
 */
final class ContentSize {

    static final long MOST_OF_A_TYPE = 1000;
    static final long MOST_OF_A_SCHEMA = 5000;

    private static final long HUGE = 1_000_000;

    private final Element schema;
    private final Map<String, Long> globals = new HashMap<>();

    ContentSize(Element schema) {
        this.schema = schema;
    }

    /** The nodes of one complex type, bounded by a million. */
    long ofType(Element complexType) {
        long size = 0;
        for (Element child : XsdExample.children(complexType)) {
            if (isXs(child, "complexContent")) {
                for (Element derivation : XsdExample.children(child)) {
                    long base =
                            isXs(derivation, "extension") ? global("complexType", derivation.getAttribute("base")) : 0;
                    size = Math.min(HUGE, size + base + particles(derivation));
                }
            }
        }
        return Math.min(HUGE, size + particles(complexType));
    }

    private long particles(Element parent) {
        long size = 0;
        for (Element child : XsdExample.children(parent)) {
            if (isXs(child, "element") || isXs(child, "any")) {
                size += times(child);
            } else if (isXs(child, "group")) {
                size += times(child) * global("group", child.getAttribute("ref"));
            } else if (isXs(child, "sequence") || isXs(child, "choice") || isXs(child, "all")) {
                size += times(child) * particles(child);
            }
            size = Math.min(HUGE, size);
        }
        return size;
    }

    private long global(String kind, String qualifiedName) {
        String name = qualifiedName.substring(qualifiedName.indexOf(':') + 1);
        String key = kind + " " + name;
        Long known = globals.get(key);
        if (known != null) {
            return known;
        }
        // one that contains itself is refused by the compiler
        globals.put(key, 0L);
        long size = 0;
        for (Element child : XsdExample.children(schema)) {
            if (isXs(child, kind) && child.getAttribute("name").equals(name)) {
                size = kind.equals("group") ? particles(child) : ofType(child);
            }
        }
        globals.put(key, size);
        return size;
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
