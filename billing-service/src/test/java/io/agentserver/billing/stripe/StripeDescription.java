package io.agentserver.billing.stripe;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Stripe's public description of its API (OpenAPI), as far as it is needed here: whether a call's parameters and its answer
 * are of the described form. The file is Stripe's and not ours to ship: {@code -Dstripe.description=<file>}.
 */
final class StripeDescription {
    private final JsonNode document;

    StripeDescription(Path file) {
        this.document = JsonMapper.shared().readTree(file);
    }

    boolean describes(StripeDouble.Call call) {
        return operation(call) != null;
    }

    /** What is wrong with the call, a line each. */
    List<String> problems(StripeDouble.Call call) {
        JsonNode operation = Objects.requireNonNull(operation(call), call.path());
        List<String> problems = new ArrayList<>();
        if (call.method().equals("GET")) {
            for (Map.Entry<String, String> parameter : call.form().entrySet()) {
                String name = parameter.getKey().replaceFirst("\\[.*", "");
                JsonNode described = null;
                for (JsonNode each : operation.path("parameters")) {
                    described = each.path("name").asString().equals(name) ? each : described;
                }
                if (described == null) {
                    problems.add("parameter " + name + ": not described");
                } else {
                    value(described.path("schema"), nested(name, call.form()), name, problems);
                }
            }
        } else {
            JsonNode schema = operation
                    .path("requestBody")
                    .path("content")
                    .path("application/x-www-form-urlencoded")
                    .path("schema");
            value(schema, tree(call.form()), "", problems);
        }
        JsonNode answer = operation
                .path("responses")
                .path(call.status() == 200 ? "200" : "default")
                .path("content")
                .path("application/json")
                .path("schema");
        json(answer, JsonMapper.shared().readTree(call.answer()), "answer", problems);
        return problems;
    }

    private @Nullable JsonNode operation(StripeDouble.Call call) {
        for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
            if (call.path().matches(path.getKey().replaceAll("\\{[^}]+}", "[^/]+"))) {
                JsonNode operation = path.getValue().path(call.method().toLowerCase(java.util.Locale.ROOT));
                if (!operation.isMissingNode()) {
                    return operation;
                }
            }
        }
        return null;
    }

    /** A form's {@code a[b][0]} as maps in maps. */
    @SuppressWarnings("unchecked")
    private static Map<String, Object> tree(Map<String, String> form) {
        Map<String, Object> tree = new LinkedHashMap<>();
        form.forEach((key, value) -> {
            String[] path = key.replace("]", "").split("\\[", -1);
            Map<String, Object> at = tree;
            for (int i = 0; i < path.length - 1; i++) {
                at = (Map<String, Object>) at.computeIfAbsent(path[i], _ -> new LinkedHashMap<String, Object>());
            }
            at.put(path[path.length - 1], value);
        });
        return tree;
    }

    private static Object nested(String name, Map<String, String> form) {
        return Objects.requireNonNull(tree(form).get(name));
    }

    /** A parameter against its schema: names, kinds, enumerations, lengths, what is required. */
    private void value(JsonNode schema, Object value, String where, List<String> problems) {
        if (schema.has("anyOf")) {
            List<List<String>> each = new ArrayList<>();
            for (JsonNode one : schema.path("anyOf")) {
                List<String> of = new ArrayList<>();
                value(one, value, where, of);
                each.add(of);
            }
            if (each.stream().noneMatch(List::isEmpty)) {
                problems.addAll(each.getFirst());
            }
        } else if (value instanceof Map<?, ?> members) {
            if (schema.path("type").asString("").equals("array")) {
                members.forEach((index, item) ->
                        value(schema.path("items"), Objects.requireNonNull(item), where + "[" + index + "]", problems));
                return;
            }
            if (!schema.path("type").asString("").equals("object")) {
                problems.add(where + ": has members, is described as " + schema.path("type"));
                return;
            }
            members.forEach((name, member) -> {
                JsonNode described = schema.path("properties").path(String.valueOf(name));
                JsonNode more = schema.path("additionalProperties");
                if (!described.isMissingNode() || more.isObject()) {
                    value(
                            described.isMissingNode() ? more : described,
                            Objects.requireNonNull(member),
                            where + "." + name,
                            problems);
                } else {
                    problems.add(where + "." + name + ": not described");
                }
            });
            for (JsonNode required : schema.path("required")) {
                if (!members.containsKey(required.asString())) {
                    problems.add(where + "." + required.asString() + ": required");
                }
            }
        } else {
            text(schema, String.valueOf(value), where, problems);
        }
    }

    private static void text(JsonNode schema, String value, String where, List<String> problems) {
        boolean fits = switch (schema.path("type").asString("")) {
            case "integer" -> value.matches("-?[0-9]+");
            case "boolean" -> value.matches("true|false");
            case "number" -> value.matches("-?[0-9.]+");
            case "string" -> value.length() <= schema.path("maxLength").asInt(Integer.MAX_VALUE);
            default -> false;
        };
        if (!fits) {
            problems.add(where + ": <" + value + "> is not " + schema.path("type"));
        }
        if (schema.has("enum") && !isOne(schema.path("enum"), value)) {
            problems.add(where + ": <" + value + "> is none of " + schema.path("enum"));
        }
    }

    /** What a double answers, against the described form. */
    private void json(JsonNode schema, JsonNode value, String where, List<String> problems) {
        if (schema.has("$ref")) {
            json(document.at(schema.path("$ref").asString().substring(1)), value, where, problems);
            return;
        }
        if (value.isNull() && schema.path("nullable").asBoolean(false)) {
            return;
        }
        if (schema.has("anyOf")) {
            boolean fits = false;
            for (JsonNode one : schema.path("anyOf")) {
                List<String> of = new ArrayList<>();
                json(one, value, where, of);
                fits |= of.isEmpty();
            }
            if (!fits) {
                problems.add(where + ": is none of the described forms");
            }
            return;
        }
        boolean fits = switch (schema.path("type").asString("")) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "integer" -> value.isIntegralNumber();
            case "boolean" -> value.isBoolean();
            case "number" -> value.isNumber();
            case "string" -> value.isString() && (!schema.has("enum") || isOne(schema.path("enum"), value.asString()));
            default -> true;
        };
        if (!fits) {
            problems.add(where + ": <" + value + "> is not as described");
            return;
        }
        for (JsonNode required : schema.path("required")) {
            if (!value.has(required.asString())) {
                problems.add(where + "." + required.asString() + ": required");
            }
        }
        value.properties().forEach(member -> {
            JsonNode described = schema.path("properties").path(member.getKey());
            if (!described.isMissingNode()) {
                json(described, member.getValue(), where + "." + member.getKey(), problems);
            }
        });
        int i = 0;
        for (JsonNode item : value.isArray() ? value : JsonMapper.shared().createArrayNode()) {
            json(schema.path("items"), item, where + "[" + i++ + "]", problems);
        }
    }

    private static boolean isOne(JsonNode all, String value) {
        for (JsonNode one : all) {
            if (one.asString().equals(value)) {
                return true;
            }
        }
        return false;
    }
}
