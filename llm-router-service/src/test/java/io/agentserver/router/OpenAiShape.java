package io.agentserver.router;

import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Checks JSON against schemas of OpenAI's description, which mixes OpenAPI 3.0's {@code nullable} into 3.1. */
final class OpenAiShape {
    private final JsonNode schemas;

    OpenAiShape(JsonNode schemas) {
        this.schemas = schemas;
    }

    List<String> faults(String schema, JsonNode value) {
        List<String> faults = new ArrayList<>();
        if (schemas.path(schema).isMissingNode()) {
            faults.add("no schema " + schema);
        }
        check("$", schemas.path(schema), value, faults);
        return faults;
    }

    private void check(String where, JsonNode schema, JsonNode value, List<String> faults) {
        if (schema.has("$ref")) {
            String reference = schema.path("$ref").asString();
            check(where, schemas.path(reference.substring(reference.lastIndexOf('/') + 1)), value, faults);
            return;
        }
        if (value.isNull() && schema.path("nullable").asBoolean(false)) {
            return;
        }
        String type = schema.path("type").asString("");
        if (!type.isEmpty() && !isOf(type, value)) {
            faults.add(where + " is no " + type + ": " + value);
            return;
        }
        checkChoices(where, schema, value, faults);
        if (schema.path("enum").isArray() && !contains(schema.path("enum"), value)) {
            faults.add(where + " is none of " + schema.path("enum") + ": " + value);
        }
        for (JsonNode required : schema.path("required")) {
            if (value.isObject() && !value.has(required.asString())) {
                faults.add(where + " lacks " + required.asString());
            }
        }
        for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
            if (value.has(property.getKey())) {
                check(where + "." + property.getKey(), property.getValue(), value.path(property.getKey()), faults);
            }
        }
        if (value.isArray() && schema.has("items")) {
            value.forEach(element -> check(where + "[]", schema.path("items"), element, faults));
        }
    }

    private void checkChoices(String where, JsonNode schema, JsonNode value, List<String> faults) {
        schema.path("allOf").forEach(part -> check(where, part, value, faults));
        for (String keyword : List.of("anyOf", "oneOf")) {
            boolean fits = !schema.has(keyword);
            for (JsonNode choice : schema.path(keyword)) {
                List<String> its = new ArrayList<>();
                check(where, choice, value, its);
                fits |= its.isEmpty();
            }
            if (!fits) {
                faults.add(where + " fits no choice: " + value);
            }
        }
    }

    private static boolean contains(JsonNode list, JsonNode value) {
        for (JsonNode element : list) {
            if (element.equals(value)) {
                return true;
            }
        }
        return value.isNull() && list.isEmpty();
    }

    private static boolean isOf(String type, JsonNode value) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            case "null" -> value.isNull();
            default -> throw new IllegalStateException("type " + type);
        };
    }
}
