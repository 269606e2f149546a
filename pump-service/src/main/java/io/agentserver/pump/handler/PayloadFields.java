package io.agentserver.pump.handler;

import io.agentserver.organism.PayloadJson;
import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
