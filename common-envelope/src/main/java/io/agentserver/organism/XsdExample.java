package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.xml.XMLConstants;

import static io.agentserver.organism.XsdReader.isXs;

/**
 * Makes an example of a tenant's own XSD by walking through its declarations: each element once, the first of a choice, text
 * as {@code …}. A best effort that the caller validates; null where it would grow out of hand.
 */
final class XsdExample {

    private static final int LONGEST = 16 * 1024;
    private static final int DEEP = 4;
    private static final int DEEPEST = 16;
    private static final int MOST_STEPS = 2000;
    private static final BigDecimal LONGEST_SAMPLE = BigDecimal.valueOf(LONGEST);
    private static final Set<String> TEXT =
            Set.of("string", "normalizedString", "token", "anySimpleType", "anyType", "anyURI");

    private final Element schema;
    private final String namespace;
    private final boolean qualified;
    private final StringBuilder out = new StringBuilder();
    private int steps;

    private XsdExample(Element schema) {
        this.schema = schema;
        this.namespace = schema.getAttribute("targetNamespace");
        this.qualified = schema.getAttribute("elementFormDefault").equals("qualified");
    }

    static @Nullable String of(Element schema, String root) {
        XsdExample example = new XsdExample(schema);
        Element declaration = example.global("element", root);
        if (declaration == null) {
            return null;
        }
        example.element(declaration, true, "", 0);
        return example.isOver() ? null : example.out.toString();
    }

    /** Also a walk that writes nothing ends. */
    private boolean isOver() {
        return out.length() > LONGEST || steps > MOST_STEPS;
    }

    private void element(Element declaration, boolean global, String inherited, int depth) {
        if (isOver() || depth > DEEPEST) {
            return;
        }
        if (declaration.hasAttribute("ref")) {
            Element target = global("element", declaration.getAttribute("ref"));
            if (target != null) {
                element(target, true, inherited, depth);
            }
            return;
        }
        String name = declaration.getAttribute("name");
        boolean inNamespace = global
                || (declaration.hasAttribute("form")
                        ? declaration.getAttribute("form").equals("qualified")
                        : qualified);
        String own = inNamespace ? namespace : "";
        out.append('<').append(name);
        if (!own.equals(inherited)) {
            out.append(" xmlns=\"").append(XmlNames.escaped(own)).append('"');
        }
        Element complex = complexType(declaration);
        if (complex != null) {
            attributes(complex);
        }
        out.append('>');
        if (complex != null) {
            content(complex, own, depth);
        } else {
            XmlNames.escape(fixedOr(declaration, simple(declaration, 0)), false, out);
        }
        out.append("</").append(name).append('>');
    }

    private @Nullable Element complexType(Element declaration) {
        Element inline = child(declaration, "complexType");
        return inline != null || !declaration.hasAttribute("type")
                ? inline
                : global("complexType", declaration.getAttribute("type"));
    }

    private void attributes(Element type) {
        Element base = base(type);
        if (base != null) {
            attributes(base);
        }
        Element holder = derivation(type);
        for (Element attribute : children(holder == null ? type : holder)) {
            if (isOver()) {
                return;
            }
            if (isXs(attribute, "attribute")
                    && attribute.getAttribute("use").equals("required")
                    && attribute.hasAttribute("name")) {
                out.append(' ').append(attribute.getAttribute("name")).append("=\"");
                XmlNames.escape(fixedOr(attribute, simple(attribute, 0)), true, out);
                out.append('"');
            }
        }
    }

    private void content(Element type, String own, int depth) {
        Element simpleContent = child(type, "simpleContent");
        if (simpleContent != null) {
            Element derivation = derivation(type);
            XmlNames.escape(derivation == null ? "…" : ofType(derivation.getAttribute("base"), 0), false, out);
            return;
        }
        Element derivation = derivation(type);
        Element base = base(type);
        if (base != null && derivation != null && isXs(derivation, "extension")) {
            content(base, own, depth + 1);
        }
        particles(derivation == null ? type : derivation, own, depth);
    }

    private void particles(Element parent, String own, int depth) {
        for (Element particle : children(parent)) {
            steps++;
            if (depth > DEEPEST || isOver()) {
                return;
            }
            // a recursive type ends at what it need not contain
            if (depth > DEEP && particle.getAttribute("minOccurs").equals("0")) {
                continue;
            }
            if (isXs(particle, "element")) {
                element(particle, false, own, depth + 1);
            } else if (isXs(particle, "group") && particle.hasAttribute("ref")) {
                Element group = global("group", particle.getAttribute("ref"));
                if (group != null) {
                    particles(group, own, depth + 1);
                }
            } else if (isXs(particle, "sequence") || isXs(particle, "all") || isXs(particle, "choice")) {
                particles(particle, own, depth + 1);
            }
            if (isXs(parent, "choice") && !isXs(particle, "annotation")) {
                return;
            }
        }
    }

    private static String fixedOr(Element declaration, String value) {
        return declaration.hasAttribute("fixed") ? declaration.getAttribute("fixed") : value;
    }

    private String simple(Element declaration, int depth) {
        Element inline = child(declaration, "simpleType");
        if (inline != null) {
            return restricted(inline, depth);
        }
        return declaration.hasAttribute("type") ? ofType(declaration.getAttribute("type"), depth) : "…";
    }

    private String ofType(String qualifiedName, int depth) {
        Element named = depth > DEEPEST ? null : global("simpleType", qualifiedName);
        return named == null ? builtIn(local(qualifiedName), null, null) : restricted(named, depth + 1);
    }

    private String restricted(Element simpleType, int depth) {
        Element restriction = child(simpleType, "restriction");
        if (restriction == null) {
            return "…";
        }
        Element choice = child(restriction, "enumeration");
        if (choice != null) {
            return choice.getAttribute("value");
        }
        BigDecimal least = bound(restriction, "minInclusive", "minLength", "length");
        BigDecimal most = bound(restriction, "maxInclusive", "maxLength", "length");
        return least == null && most == null
                ? ofType(restriction.getAttribute("base"), depth)
                : builtIn(local(restriction.getAttribute("base")), least, most);
    }

    private static @Nullable BigDecimal bound(Element restriction, String... facets) {
        for (String facet : facets) {
            Element element = child(restriction, facet);
            if (element != null && element.getAttribute("value").matches("-?[0-9]{1,18}(\\.[0-9]{1,18})?")) {
                return new BigDecimal(element.getAttribute("value"));
            }
        }
        return null;
    }

    private static String builtIn(String type, @Nullable BigDecimal least, @Nullable BigDecimal most) {
        FieldType fieldType = switch (type) {
            case "boolean" -> FieldType.BOOLEAN;
            case "date" -> FieldType.DATE;
            case "dateTime" -> FieldType.DATETIME;
            case "decimal", "double", "float" -> FieldType.DECIMAL;
            default -> TEXT.contains(type) ? FieldType.STRING : FieldType.LONG;
        };
        boolean bounded = fieldType.isNumber() || fieldType == FieldType.STRING;
        if (fieldType == FieldType.STRING && least != null && least.compareTo(LONGEST_SAMPLE) > 0) {
            return "…";
        }
        try {
            return new Field("sample", fieldType, "", bounded ? least : null, bounded ? most : null, false, false)
                    .sample();
        } catch (IllegalArgumentException e) {
            // bounds that only this intricate a schema has: the example is validated anyway
            return "…";
        }
    }

    private @Nullable Element derivation(Element type) {
        Element content = child(type, "complexContent");
        if (content == null) {
            content = child(type, "simpleContent");
        }
        if (content == null) {
            return null;
        }
        Element extension = child(content, "extension");
        return extension == null ? child(content, "restriction") : extension;
    }

    private @Nullable Element base(Element type) {
        Element derivation = derivation(type);
        return derivation == null ? null : global("complexType", derivation.getAttribute("base"));
    }

    private @Nullable Element global(String kind, String qualifiedName) {
        steps++;
        String name = local(qualifiedName);
        String prefix = qualifiedName.substring(0, qualifiedName.length() - name.length());
        String uri = schema.lookupNamespaceURI(prefix.isEmpty() ? null : prefix.substring(0, prefix.length() - 1));
        if (XMLConstants.W3C_XML_SCHEMA_NS_URI.equals(uri) && !kind.equals("element")) {
            return null;
        }
        for (Element child : children(schema)) {
            if (isXs(child, kind) && child.getAttribute("name").equals(name)) {
                return child;
            }
        }
        return null;
    }

    private static String local(String qualifiedName) {
        return qualifiedName.substring(qualifiedName.indexOf(':') + 1);
    }

    private static @Nullable Element child(Element parent, String localName) {
        for (Element child : children(parent)) {
            if (isXs(child, localName)) {
                return child;
            }
        }
        return null;
    }

    static List<Element> children(Element parent) {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                children.add(element);
            }
        }
        return children;
    }
}
