package io.agentserver.organism;

import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;

import static io.agentserver.organism.XsdReader.isXs;

/**
 * What the values of one payload can cost a tenant's XSD: a text is matched against patterns and tried with each member of a
 * union, a list does that for each of its words, and each key is compared with those before it. A payload may have thousands
 * of texts, so that {@link PayloadCheck} sums them up. A step is about a nanosecond. Immutable.
 */
final class ValueCost {

    static final ValueCost NONE = new ValueCost(List.of(), 0, 0, Set.of());

    private static final Set<String> COSTLY = Set.of("pattern", "enumeration", "union");
    private static final List<String> MENTIONS =
            List.of("type", "base", "itemType", "memberTypes", "substitutionGroup");

    private final List<PatternCost> patterns;
    private final long stepsAWord;
    private final long keyPaths;
    private final Set<String> names;
    private final int longestText;

    private ValueCost(List<PatternCost> patterns, long stepsAWord, long keyPaths, Set<String> names) {
        this.patterns = List.copyOf(patterns);
        this.stepsAWord = stepsAWord;
        this.keyPaths = keyPaths;
        this.names = names;
        this.longestText =
                patterns.stream().mapToInt(PatternCost::longestText).min().orElse(Integer.MAX_VALUE);
    }

    static ValueCost of(Element schema, List<PatternCost> patterns, SchemaCost cost) {
        return new ValueCost(patterns, cost.stepsAWord(), cost.keyPaths(), Set.copyOf(costlyNames(schema)));
    }

    /** The longest text or attribute that is handed to the schema's patterns, whose cost grows with it. */
    int longestText() {
        return longestText;
    }

    boolean isCostly() {
        return !names.isEmpty();
    }

    /** Whether an element or attribute of that name may have a pattern, an enumeration or a union. */
    boolean isCostly(String localName) {
        return names.contains(localName);
    }

    double steps(int length, int words) {
        double steps = (double) words * stepsAWord;
        for (PatternCost pattern : patterns) {
            steps += pattern.steps(length);
        }
        return steps;
    }

    /** The keys are looked for in every element that is open, and compared with all that came before. */
    double stepsOfElement(int elements, int depth) {
        return 5.0 * keyPaths * elements * depth;
    }

    /** The names of elements, attributes and types that have such a part, or whose type has one; rather too many than too few. */
    private static Set<String> costlyNames(Element schema) {
        Map<String, List<Element>> mentions = new HashMap<>();
        Set<String> names = new HashSet<>();
        Deque<String> added = new ArrayDeque<>();
        NodeList all = schema.getElementsByTagNameNS(XMLConstants.W3C_XML_SCHEMA_NS_URI, "*");
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            for (String attribute : MENTIONS) {
                for (String name : element.getAttribute(attribute).strip().split("\\s+", -1)) {
                    mentions.computeIfAbsent(SchemaCost.local(name), key -> new ArrayList<>())
                            .add(element);
                }
            }
            if (COSTLY.contains(element.getLocalName())) {
                add(owner(element), names, added);
            }
        }
        while (!added.isEmpty()) {
            for (Element mention : mentions.getOrDefault(added.remove(), List.of())) {
                add(owner(mention), names, added);
            }
        }
        return names;
    }

    private static void add(String name, Set<String> names, Deque<String> added) {
        if (!name.isEmpty() && names.add(name)) {
            added.add(name);
        }
    }

    /** The element or attribute around a part of its type, or else the global declaration. */
    private static String owner(Element part) {
        Element owner = part;
        while (!isXs(owner, "element")
                && !isXs(owner, "attribute")
                && owner.getParentNode() instanceof Element parent
                && !isXs(parent, "schema")) {
            owner = parent;
        }
        return owner.getAttribute("name");
    }
}
