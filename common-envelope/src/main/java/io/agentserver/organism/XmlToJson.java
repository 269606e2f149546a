package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.Objects;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** Reads one payload; see {@link PayloadJson}. Used once, on one thread. */
final class XmlToJson {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final @Nullable PayloadType type;

    XmlToJson(@Nullable PayloadType type) {
        this.type = type;
    }

    JsonNode read(String payloadXml) {
        try {
            XMLStreamReader reader = StrictXml.reader(payloadXml);
            int event = reader.next();
            while (event != XMLStreamConstants.START_ELEMENT) {
                event = reader.next();
            }
            String name = reader.getLocalName();
            PayloadType known = type != null && type.hasRoot(name, namespace(reader)) ? type : null;
            ObjectNode payload = JSON.objectNode();
            payload.set(name, element(reader, "", known));
            while (reader.hasNext()) {
                // what follows the root must be well-formed too
                reader.next();
            }
            return payload;
        } catch (XMLStreamException e) {
            throw new IllegalArgumentException(
                    "the payload is not one well-formed XML element; only canonical payloads can be read as JSON", e);
        }
    }

    private static JsonNode element(XMLStreamReader reader, String inherited, @Nullable PayloadType root)
            throws XMLStreamException {
        ObjectNode members = JSON.objectNode();
        String namespace = namespace(reader);
        if (!namespace.equals(inherited)) {
            members.put("@xmlns", namespace);
        }
        for (int i = 0; i < reader.getAttributeCount(); i++) {
            String prefix = Objects.requireNonNullElse(reader.getAttributePrefix(i), "");
            String name = (prefix.isEmpty() ? "" : prefix + ":") + reader.getAttributeLocalName(i);
            members.put("@" + name, reader.getAttributeValue(i));
        }
        StringBuilder text = new StringBuilder();
        boolean children = false;
        int event = reader.next();
        while (event != XMLStreamConstants.END_ELEMENT) {
            if (event == XMLStreamConstants.START_ELEMENT) {
                children = true;
                String name = reader.getLocalName();
                boolean repeated =
                        root != null && root.field(name).map(Field::repeated).orElse(false);
                add(members, name, element(reader, namespace, null), repeated);
            } else if (reader.isCharacters() || event == XMLStreamConstants.CDATA) {
                text.append(reader.getText());
            }
            event = reader.next();
        }
        return finished(members, text.toString(), children, root);
    }

    private static JsonNode finished(ObjectNode members, String text, boolean children, @Nullable PayloadType root) {
        boolean fields = root != null && root.declaredByFields() && text.isBlank();
        if (members.isEmpty() && !fields) {
            return JSON.stringNode(text);
        }
        // white space between elements is layout
        if (!text.isEmpty() && !fields && !(children && text.isBlank())) {
            members.put("#text", text);
        }
        return members;
    }

    private static void add(ObjectNode members, String name, JsonNode value, boolean repeated) {
        JsonNode before = members.get(name);
        if (before instanceof ArrayNode array) {
            array.add(value);
        } else if (before != null) {
            members.set(name, JSON.arrayNode().add(before).add(value));
        } else if (repeated) {
            members.set(name, JSON.arrayNode().add(value));
        } else {
            members.set(name, value);
        }
    }

    private static String namespace(XMLStreamReader reader) {
        return Objects.requireNonNullElse(reader.getNamespaceURI(), "");
    }
}
