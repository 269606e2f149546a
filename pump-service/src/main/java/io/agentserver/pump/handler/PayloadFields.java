package io.agentserver.pump.handler;

import io.agentserver.organism.Field;
import io.agentserver.organism.FieldType;
import io.agentserver.organism.PayloadJson;
import io.agentserver.organism.PayloadType;
import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The text fields of a payload: the children of its root that hold no elements, each name with its values in order. */
final class PayloadFields {
    private PayloadFields() {}

    static Map<String, List<String>> of(HandlerCall call) {
        JsonNode root = PayloadJson.toJson(
                        call.message().payload(), call.listener().payload())
                .iterator()
                .next();
        Map<String, List<String>> fields = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> member : root.properties()) {
            if (!member.getKey().startsWith("@") && !member.getKey().startsWith("#")) {
                List<String> values = values(member.getValue());
                if (!values.isEmpty()) {
                    fields.put(member.getKey(), values);
                }
            }
        }
        return fields;
    }

    /**
     * An element of the listener's {@code response} type (of the payload's own if none is declared) with the fields that both
     * have. Of a response declared by an XSD the fields are not known: it gets all.
     *
     * @param change what becomes of a text
     */
    static String answer(HandlerCall call, UnaryOperator<String> change) {
        PayloadType declared = call.listener().response();
        PayloadType type = declared == null ? call.listener().payload() : declared;
        Map<String, List<String>> given = of(call);
        StringBuilder xml =
                new StringBuilder("<" + type.root() + " xmlns=\"" + XmlText.escape(type.namespace()) + "\">");
        if (type.declaredByFields()) {
            for (Field field : type.fields()) {
                UnaryOperator<String> its = field.type() == FieldType.STRING ? change : UnaryOperator.identity();
                append(xml, field.name(), given.getOrDefault(field.name(), List.of()), its);
            }
        } else {
            given.forEach((name, values) -> append(xml, name, values, change));
        }
        return xml + "</" + type.root() + ">";
    }

    private static void append(StringBuilder xml, String name, List<String> values, UnaryOperator<String> change) {
        for (String value : values) {
            xml.append('<').append(name).append('>');
            xml.append(XmlText.escape(change.apply(value)))
                    .append("</")
                    .append(name)
                    .append('>');
        }
    }

    private static List<String> values(JsonNode member) {
        List<String> values = new ArrayList<>();
        if (member.isArray()) {
            member.forEach(item -> values.addAll(values(item)));
        } else if (member.isString()) {
            values.add(member.stringValue());
        } else if (member.path("#text").isString()) {
            values.add(member.path("#text").stringValue());
        }
        return values;
    }
}
