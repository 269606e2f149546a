package io.agentserver.organism;

import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;

import static io.agentserver.organism.XsdReader.isXs;

/**
 * How deep a schema's declarations refer to each other: the JDK follows bases, groups, member types and substitutions by
 * recursion, on the stack of whoever compiles, and a thousand of them overflow it. The types of elements are not followed:
 * they may be recursive, and the JDK reads them one after the other. Used once, on one thread.
 */
final class ReferenceDepth {

    static final int DEEPEST = 50;

    private final Map<String, Set<String>> mentions = new LinkedHashMap<>();
    private final Map<String, Integer> depths = new HashMap<>();

    ReferenceDepth(Element schema) {
        for (Element declaration : XsdExample.children(schema)) {
            Set<String> mentioned =
                    mentions.computeIfAbsent(declaration.getAttribute("name"), name -> new LinkedHashSet<>());
            collect(declaration, mentioned);
            NodeList inside = declaration.getElementsByTagNameNS(XMLConstants.W3C_XML_SCHEMA_NS_URI, "*");
            for (int i = 0; i < inside.getLength(); i++) {
                collect((Element) inside.item(i), mentioned);
            }
        }
    }

    private static void collect(Element element, Set<String> mentioned) {
        add(element.getAttribute("base"), mentioned);
        add(element.getAttribute("itemType"), mentioned);
        add(element.getAttribute("memberTypes"), mentioned);
        add(element.getAttribute("substitutionGroup"), mentioned);
        if (!isXs(element, "element")) {
            add(element.getAttribute("ref"), mentioned);
            add(element.getAttribute("type"), mentioned);
        }
    }

    private static void add(String names, Set<String> mentioned) {
        for (String name : names.strip().split("\\s+", -1)) {
            if (!name.isEmpty()) {
                mentioned.add(SchemaCost.local(name));
            }
        }
    }

    boolean tooDeep() {
        return mentions.keySet().stream().anyMatch(name -> depth(name, 0) > DEEPEST);
    }

    /** The longest way down from a declaration; past the bound it is not followed to its end. */
    private int depth(String name, int above) {
        Integer known = depths.get(name);
        if (known != null) {
            return known;
        }
        if (above > DEEPEST) {
            return DEEPEST + 1;
        }
        // a circle ends here; the compiler refuses those that it cannot bear
        depths.put(name, 0);
        int deepest = 0;
        for (String mentioned : mentions.getOrDefault(name, Set.of())) {
            deepest = Math.max(deepest, 1 + depth(mentioned, above + 1));
        }
        depths.put(name, deepest);
        return deepest;
    }
}
