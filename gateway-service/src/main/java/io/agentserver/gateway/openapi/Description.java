package io.agentserver.gateway.openapi;

import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.Scope;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Puts the description of the API together (<a href="https://spec.openapis.org/oas/v3.1.1.html">OpenAPI 3.1</a>): from the calls
 * as they are mapped and annotated, and from {@code openapi.yaml}, which has what the code does not say. The same calls give the
 * same description, to the byte.
 */
final class Description {
    private static final String PROBLEM_JSON = "application/problem+json";
    private static final List<String> RATES = List.of("RateLimit", "RateLimit-Policy");

    private final Map<String, Object> document;
    private final Map<String, Object> schemas;

    private Description(Map<String, Object> document) {
        this.document = document;
        this.schemas = map(map(document, "components"), "schemas");
    }

    /**
     * The description as maps and lists, for JSON.
     *
     * @throws IllegalStateException if a call names what {@code openapi.yaml} does not have
     */
    static Map<String, Object> of(Collection<Operation> operations, String version) {
        Description description = new Description(yaml());
        map(description.document, "info").put("version", version);
        description.nameWhatTheCodeKnows();
        description.document.put("paths", description.paths(operations));
        return description.document;
    }

    private void nameWhatTheCodeKnows() {
        schemas.put(
                "Scope",
                schema("What an API key may do.", Arrays.stream(Scope.values()).map(Scope::wireName)));
        schemas.put(
                "Plan",
                schema("What a tenant has bought.", Arrays.stream(Plan.values()).map(Plan::wireName)));
        for (String problem : List.of("Problem", "ProblemPart")) {
            map(map(map(schemas, problem), "properties"), "type").put("enum", uris(List.of(ProblemType.values())));
        }
    }

    private static Map<String, Object> schema(String description, Stream<String> names) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "string");
        schema.put("description", description);
        schema.put("enum", names.toList());
        return schema;
    }

    private Map<String, Object> paths(Collection<Operation> operations) {
        List<String> tags = list(document, "tags").stream()
                .map(tag -> String.valueOf(asMap(tag).get("name")))
                .toList();
        Map<String, Object> paths = new LinkedHashMap<>();
        for (String tag : tags) {
            operations.stream()
                    .filter(operation -> operation.tag().equals(tag))
                    .sorted(Operation.ORDER)
                    .forEach(operation -> asMap(
                                    paths.computeIfAbsent(operation.path(), _ -> new LinkedHashMap<String, Object>()))
                            .put(operation.method().toLowerCase(Locale.ROOT), operation(operation)));
        }
        for (Operation operation : operations) {
            if (!tags.contains(operation.tag())) {
                throw new IllegalStateException(
                        operation.path() + ": openapi.yaml has no tag " + operation.tag() + "; add it");
            }
        }
        return paths;
    }

    private Map<String, Object> operation(Operation operation) {
        Call call = operation.call();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("operationId", call.id());
        json.put("tags", List.of(operation.tag()));
        json.put("summary", call.does());
        String text = text(call);
        if (!text.isEmpty()) {
            json.put("description", text);
        }
        json.put("security", security(call));
        if (!operation.parameters().isEmpty()) {
            json.put(
                    "parameters",
                    operation.parameters().stream().map(Description::parameter).toList());
        }
        if (call.takes().length > 0) {
            Map<String, Object> content = new LinkedHashMap<>();
            for (Takes body : call.takes()) {
                content.put(body.type(), Map.of("schema", schema(body.value())));
            }
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("required", !call.bodyMayBeMissing());
            body.put("content", content);
            json.put("requestBody", body);
        }
        json.put("responses", responses(operation));
        return json;
    }

    private static String text(Call call) {
        if (call.scopes().length == 0) {
            return call.more();
        }
        String scopes = Arrays.stream(call.scopes())
                .map(scope -> "`" + scope.wireName() + "`")
                .collect(Collectors.joining(call.allScopes() ? " and " : " or "));
        return call.more() + (call.more().isEmpty() ? "" : "\n\n") + "Scope: " + scopes + ".";
    }

    /** Each entry is enough by itself; an empty one is for what needs no key. */
    private static List<Map<String, Object>> security(Call call) {
        List<Map<String, Object>> ways = new ArrayList<>();
        switch (call.access()) {
            case OPEN, TOKEN -> {
                // none
            }
            case KEY, KEY_OR_SIGNATURE -> {
                List<String> scopes =
                        Arrays.stream(call.scopes()).map(Scope::wireName).toList();
                if (call.allScopes()) {
                    ways.add(Map.of("apiKey", scopes));
                } else {
                    scopes.forEach(scope -> ways.add(Map.of("apiKey", List.of(scope))));
                }
                if (ways.isEmpty()) {
                    ways.add(Map.of("apiKey", List.of()));
                }
                if (call.access() == Access.KEY_OR_SIGNATURE) {
                    ways.add(Map.of());
                }
            }
            case OPERATOR -> ways.add(Map.of("operatorKey", List.of()));
        }
        return ways;
    }

    private static Map<String, Object> parameter(Operation.Parameter parameter) {
        Param about = parameter.about();
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", parameter.type());
        if (about.least() != Long.MIN_VALUE) {
            schema.put("minimum", about.least());
        }
        if (about.most() != Long.MAX_VALUE) {
            schema.put("maximum", about.most());
        }
        if (!about.pattern().isEmpty()) {
            schema.put("pattern", about.pattern());
        }
        if (!about.format().isEmpty()) {
            schema.put("format", about.format());
        }
        if (about.oneOf().length > 0) {
            schema.put("enum", List.of(about.oneOf()));
        }
        if (parameter.usual() != null) {
            schema.put("default", parameter.usual());
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", parameter.name());
        json.put("in", parameter.in());
        json.put("required", parameter.required() || about.needed());
        json.put("description", about.value());
        json.put("schema", schema);
        if (!about.example().isEmpty()) {
            json.put("example", about.example());
        }
        return json;
    }

    private Map<String, Object> responses(Operation operation) {
        Map<String, Object> responses = new TreeMap<>();
        for (Answer answer : operation.call().answers()) {
            Map<String, Object> response = asMap(responses.computeIfAbsent(
                    String.valueOf(answer.status()),
                    _ -> response(answer.value(), headers(operation, List.of(answer.headers())))));
            if (!answer.schema().isEmpty()) {
                asMap(response.computeIfAbsent("content", _ -> new LinkedHashMap<String, Object>()))
                        .put(answer.type(), Map.of("schema", schema(answer.schema())));
            }
        }
        Problems.of(operation).stream()
                .collect(Collectors.groupingBy(ProblemType::status, TreeMap::new, Collectors.toList()))
                .forEach((status, types) -> responses.put(String.valueOf(status), refusal(operation, status, types)));
        Map<String, Object> ordered = new LinkedHashMap<>(responses);
        ordered.put("default", refusal(operation, 0, List.copyOf(Problems.others(operation))));
        return ordered;
    }

    private Map<String, Object> refusal(Operation operation, int status, List<ProblemType> types) {
        List<String> headers = switch (status) {
            case 401 -> List.of("WWW-Authenticate");
            case 429, 503 -> List.of("Retry-After");
            default -> List.of();
        };
        Map<String, Object> response = response(
                types.stream()
                        .map(type -> "`" + type.slug() + "`: " + type.title() + ".")
                        .collect(Collectors.joining(" ")),
                headers(operation, headers));
        Map<String, Object> schema = new LinkedHashMap<>(schema("Problem"));
        schema.put("properties", Map.of("type", Map.of("enum", uris(types))));
        response.put("content", Map.of(PROBLEM_JSON, Map.of("schema", schema)));
        return response;
    }

    private static Map<String, Object> response(String text, Map<String, Object> headers) {
        Map<String, Object> response = new LinkedHashMap<>();
        response.put("description", text);
        response.put("headers", headers);
        return response;
    }

    private Map<String, Object> headers(Operation operation, List<String> own) {
        List<String> names = new ArrayList<>(own);
        names.add("Request-Id");
        if (operation.call().access() == Access.KEY || operation.call().access() == Access.KEY_OR_SIGNATURE) {
            names.addAll(RATES);
        }
        Map<String, Object> known = map(map(document, "components"), "headers");
        Map<String, Object> headers = new LinkedHashMap<>();
        for (String name : names) {
            if (!known.containsKey(name)) {
                throw new IllegalStateException("openapi.yaml has no header " + name + "; add it");
            }
            headers.put(name, Map.of("$ref", "#/components/headers/" + name));
        }
        return headers;
    }

    private Map<String, Object> schema(String name) {
        if (!schemas.containsKey(name)) {
            throw new IllegalStateException("openapi.yaml has no schema " + name + "; add it");
        }
        return Map.of("$ref", "#/components/schemas/" + name);
    }

    private static List<String> uris(Collection<ProblemType> types) {
        return types.stream().map(ProblemType::uri).toList();
    }

    private static Map<String, Object> yaml() {
        try (InputStream in = Objects.requireNonNull(Description.class.getResourceAsStream("openapi.yaml"))) {
            return asMap(new Yaml(new SafeConstructor(new LoaderOptions())).load(in));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Map<String, Object> map(Map<String, Object> in, String name) {
        return asMap(Objects.requireNonNull(in.get(name), name));
    }

    static List<Object> list(Map<String, Object> in, String name) {
        return asList(in.getOrDefault(name, List.of()));
    }

    @SuppressWarnings("unchecked") // whatever is put together here has texts for names
    static Map<String, Object> asMap(Object json) {
        return (Map<String, Object>) json;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> asList(Object json) {
        return (List<Object>) json;
    }
}
