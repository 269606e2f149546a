package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes one payload; see {@link PayloadJson}. Used once, on one thread. */
final class JsonToXml {

    private static final String XSI = "http://www.w3.org/2001/XMLSchema-instance";

    private final @Nullable PayloadType type;
    private final StringBuilder out = new StringBuilder(256);

    JsonToXml(@Nullable PayloadType type) {
        this.type = type;
    }

    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;
        final transient Written.Refused refused;

        Refusal(String pointer, String reason) {
            super(reason, null, false, false);
            this.refused = new Written.Refused(pointer, reason);
        }
    }

    Written write(JsonNode payload) {
        if (!payload.isObject() || payload.size() != 1) {
            return new Written.Refused(
                    "",
                    "the payload must be an object with one member, its root element, like {\"Greeting\": {\"Name\": \"World\"}}");
        }
        Map.Entry<String, JsonNode> root = payload.properties().iterator().next();
        PayloadType known = type != null && type.root().equals(root.getKey()) ? type : null;
        try {
            String pointer = step("", root.getKey());
            if (root.getValue().isArray()) {
                throw new Refusal(pointer, "the root element cannot be an array; send one message for each");
            }
            element(root.getKey(), root.getValue(), pointer, "", known == null ? "" : known.namespace(), known, 1);
            return new Written.Xml(out.toString());
        } catch (Refusal e) {
            return e.refused;
        }
    }

    /**
     * @param inherited the default namespace that is in force around the element
     * @param namespace the element's, unless it says another with {@code @xmlns}
     * @param root the type, for the root alone
     */
    private void element(
            String name,
            JsonNode value,
            String pointer,
            String inherited,
            String namespace,
            @Nullable PayloadType root,
            int depth)
            throws Refusal {
        if (!XmlNames.isName(name)) {
            throw new Refusal(
                    pointer,
                    "the name cannot be an XML element's; use letters, digits, '.', '_', '-', " + XmlNames.LONGEST
                            + " at most");
        }
        if (depth > StrictXml.DEPTH) {
            throw new Refusal(pointer, "nested deeper than " + StrictXml.DEPTH + " levels; make it flatter");
        }
        String own = value.has("@xmlns") ? scalar(value.get("@xmlns"), step(pointer, "@xmlns")) : namespace;
        out.append('<').append(name);
        if (!own.equals(inherited)) {
            out.append(" xmlns=\"").append(XmlNames.escaped(own)).append('"');
        }
        if (value.isObject()) {
            attributes(value, pointer);
        }
        int start = out.length();
        out.append('>');
        if (value.isObject()) {
            content(value, pointer, own, root, depth);
        } else if (!value.isNull()) {
            XmlNames.escape(scalar(value, pointer), false, out);
        }
        if (out.length() == start + 1) {
            out.insert(start, '/');
        } else {
            out.append("</").append(name).append('>');
        }
    }

    private void attributes(JsonNode object, String pointer) throws Refusal {
        boolean declaresXsi = false;
        for (Map.Entry<String, JsonNode> member : object.properties()) {
            String key = member.getKey();
            if (!key.startsWith("@")
                    || key.equals("@xmlns")
                    || member.getValue().isNull()) {
                continue;
            }
            String name = key.substring(1);
            String at = step(pointer, key);
            boolean xml = name.startsWith("xml:");
            boolean xsi = name.startsWith("xsi:");
            if (!XmlNames.isName(xml || xsi ? name.substring(4) : name)) {
                throw new Refusal(
                        at,
                        "the name cannot be an XML attribute's; use letters, digits, '.', '_', '-', and no"
                                + " prefix but xml: and xsi:");
            }
            if (xsi && !declaresXsi) {
                declaresXsi = true;
                out.append(" xmlns:xsi=\"").append(XSI).append('"');
            }
            out.append(' ').append(name).append("=\"");
            XmlNames.escape(scalar(member.getValue(), at), true, out);
            out.append('"');
        }
    }

    private void content(JsonNode object, String pointer, String own, @Nullable PayloadType root, int depth)
            throws Refusal {
        JsonNode text = object.get("#text");
        if (text != null && !text.isNull()) {
            XmlNames.escape(scalar(text, step(pointer, "#text")), false, out);
        }
        for (Map.Entry<String, JsonNode> member : inOrder(object, root).entrySet()) {
            String name = member.getKey();
            JsonNode value = member.getValue();
            String at = step(pointer, name);
            String namespace = root == null ? own : root.childNamespace();
            if (value.isArray()) {
                int index = 0;
                for (JsonNode item : value.values()) {
                    String atItem = step(at, Integer.toString(index++));
                    if (item.isArray()) {
                        throw new Refusal(atItem, "an array inside an array has no XML; name the inner one");
                    }
                    element(name, item, atItem, own, namespace, null, depth + 1);
                }
            } else if (!value.isNull()) {
                element(name, value, at, own, namespace, null, depth + 1);
            }
        }
    }

    /** The child elements: the declared ones first, in their order, then the others as they came. */
    private static Map<String, JsonNode> inOrder(JsonNode object, @Nullable PayloadType root) {
        Map<String, JsonNode> ordered = new LinkedHashMap<>();
        if (root != null) {
            for (Field field : root.fields()) {
                JsonNode value = object.get(field.name());
                if (value != null) {
                    ordered.put(field.name(), value);
                }
            }
        }
        for (Map.Entry<String, JsonNode> member : object.properties()) {
            if (!member.getKey().startsWith("@") && !member.getKey().equals("#text")) {
                ordered.putIfAbsent(member.getKey(), member.getValue());
            }
        }
        return ordered;
    }

    private static String scalar(JsonNode value, String pointer) throws Refusal {
        if (value.isObject() || value.isArray()) {
            throw new Refusal(pointer, "must be one value: a string, a number, true or false");
        }
        String text = value.isNumber() ? number(value, pointer) : value.asString();
        if (!XmlNames.isText(text)) {
            throw new Refusal(
                    pointer,
                    "contains a character that XML cannot carry (a control character or half a surrogate pair)");
        }
        return text;
    }

    /** XSD's decimals know no exponent; one too large to be written out stays as it is, for the validator to judge. */
    private static String number(JsonNode value, String pointer) throws Refusal {
        if ((value.isDouble() || value.isFloat()) && !Double.isFinite(value.doubleValue())) {
            return value.asString();
        }
        BigDecimal decimal;
        try {
            decimal = value.decimalValue();
        } catch (JacksonException | ArithmeticException | NumberFormatException e) {
            throw new Refusal(pointer, "is a number with too large an exponent");
        }
        return Math.abs((long) decimal.scale()) > 100
                ? decimal.toString()
                : decimal.stripTrailingZeros().toPlainString();
    }

    private static String step(String pointer, String name) {
        return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
    }
}
