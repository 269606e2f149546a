package io.agentserver.gateway;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.net.URLDecoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Flow;
import java.util.regex.Pattern;

/**
 * Holds what a gateway answers against its own description: its status, its media type, its body, its headers; and, of what was
 * taken, the request. A member that is not described is as wrong as one that is missing.
 */
final class ApiDescription {
    private static final String ROOT = "https://gateway.test/openapi.json";
    private static final int SHOWN = 1_000;
    private static final Set<String> HEADERS = Set.of(
            "Location", "ETag", "Retry-After", "WWW-Authenticate", "Preference-Applied", "Content-Security-Policy");
    private static final Pattern PATH_VARIABLE = Pattern.compile("\\{[^}]+}");

    private final JsonNode document;
    private final SchemaRegistry schemas;
    private final Map<String, Schema> compiled = new ConcurrentHashMap<>();
    private final Set<String> seen = new ConcurrentSkipListSet<>();

    ApiDescription(String json) {
        document = RunningGateway.JSON.readTree(json);
        JsonNode closed = document.deepCopy();
        close(closed);
        schemas = SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12, builder -> builder.schemas(Map.of(ROOT, closed.toString())));
    }

    JsonNode document() {
        return document;
    }

    /** {@code GET /v1/keys}, for each call. */
    Set<String> calls() {
        Set<String> calls = new TreeSet<>();
        for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
            path.getValue()
                    .propertyNames()
                    .forEach(method -> calls.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey()));
        }
        return calls;
    }

    /** {@code GET /v1/keys 200 application/json}, for each answer that was held against the description. */
    Set<String> seen() {
        return seen;
    }

    JsonNode operation(String call) {
        String[] parts = call.split(" ", -1);
        return document.path("paths").path(parts[1]).path(parts[0].toLowerCase(Locale.ROOT));
    }

    /** What is wrong, a line each. */
    List<String> check(HttpRequest request, HttpResponse<String> response) {
        String method = request.method().equals("HEAD") ? "GET" : request.method();
        String path = request.uri().getRawPath();
        String template = template(path, method);
        List<String> wrong = new ArrayList<>();
        if (template == null) {
            if (response.statusCode() < 400) {
                wrong.add("the call is not described");
            } else if (!response.body().isEmpty()) { // one to HEAD has none
                validate("/components/schemas/Problem", response.body(), wrong);
            }
        } else {
            JsonNode operation = operation(method + " " + template);
            answer(method + " " + template, operation, request, response, wrong);
            if (response.statusCode() < 300) {
                taken(operation, pointer(template, method), request, wrong);
            }
        }
        return wrong.stream()
                .map(each -> request.method() + " " + request.uri() + " -> " + response.statusCode() + ": " + each
                        + "; " + shortened(response.body()))
                .toList();
    }

    static String shortened(String body) {
        return body.length() <= SHOWN ? body : body.substring(0, SHOWN) + "…";
    }

    private void answer(
            String call, JsonNode operation, HttpRequest request, HttpResponse<String> response, List<String> wrong) {
        String status = String.valueOf(response.statusCode());
        String described = operation.path("responses").has(status) || response.statusCode() < 400 ? status : "default";
        JsonNode answer = operation.path("responses").path(described);
        if (answer.isMissingNode()) {
            wrong.add("the status is not described");
            return;
        }
        for (String header : HEADERS) {
            if (response.headers().firstValue(header).isPresent()
                    && !answer.path("headers").has(header)) {
                wrong.add("the header " + header + " is not described");
            }
        }
        answer.path("headers").propertyNames().forEach(header -> {
            boolean required =
                    document.at("/components/headers/" + header + "/required").asBoolean(false);
            if (required && response.headers().firstValue(header).isEmpty()) {
                wrong.add("the header " + header + " is missing");
            }
        });
        String type = response.headers().firstValue("Content-Type").orElse("").replaceFirst(";.*", "");
        seen.add((call + " " + status + " " + type).strip());
        if (!answer.path("content").has(type)) {
            if (!type.isEmpty() || answer.has("content")) {
                wrong.add("the media type " + type + " is not described");
            }
            return;
        }
        if (request.method().equals("HEAD")) {
            return;
        }
        String schema = pointer(call.split(" ", -1)[1], call.split(" ", -1)[0]) + "/responses/" + described
                + "/content/" + escaped(type) + "/schema";
        if (type.endsWith("json")) {
            validate(schema, response.body(), wrong);
        } else if (type.equals("text/event-stream")) {
            for (String event : response.body().split("\n\n", -1)) {
                if (event.startsWith("event: slot\n")) {
                    validate("/components/schemas/Slot", event.substring(event.indexOf("\ndata: ") + 7), wrong);
                }
            }
        } else if (type.equals("text/plain")) {
            validate(schema, RunningGateway.JSON.writeValueAsString(response.body()), wrong);
        }
    }

    /** What was taken is what the description lets a client send. */
    private void taken(JsonNode operation, String pointer, HttpRequest request, List<String> wrong) {
        String query = request.uri().getRawQuery();
        for (String parameter : query == null ? new String[0] : query.split("&", -1)) {
            String name = URLDecoder.decode(parameter.replaceFirst("=.*", ""), StandardCharsets.UTF_8);
            if (!has(operation, "query", name)) {
                wrong.add("the parameter " + name + " is not described");
            }
        }
        for (String name : List.of("Idempotency-Key", "Prefer", "If-Match", "Last-Event-ID")) {
            if (request.headers().firstValue(name).isPresent() && !has(operation, "header", name)) {
                wrong.add("the request's header " + name + " is not described");
            }
        }
        String type = request.headers().firstValue("Content-Type").orElse("").replaceFirst(";.*", "");
        if (type.endsWith("json")
                && operation.has("requestBody")
                && request.headers().firstValue("Content-Encoding").isEmpty()) {
            request.bodyPublisher()
                    .ifPresent(body ->
                            validate(pointer + "/requestBody/content/" + escaped(type) + "/schema", text(body), wrong));
        }
    }

    private static boolean has(JsonNode operation, String in, String name) {
        return operation
                .path("parameters")
                .valueStream()
                .anyMatch(parameter -> parameter.path("in").asString().equals(in)
                        && parameter.path("name").asString().equals(name));
    }

    private void validate(String pointer, String json, List<String> wrong) {
        compiled.computeIfAbsent(pointer, p -> schemas.getSchema(SchemaLocation.of(ROOT + "#" + p)))
                .validate(json, InputFormat.JSON)
                .forEach(error -> wrong.add(error.toString()));
    }

    /** The one with the fewest variables that fits; null: none. */
    private @Nullable String template(String path, String method) {
        return document.path("paths").properties().stream()
                .filter(each -> each.getValue().has(method.toLowerCase(Locale.ROOT)))
                .map(Map.Entry::getKey)
                .filter(each -> fits(each, path))
                .min((a, b) -> Long.compare(variables(a), variables(b)))
                .orElse(null);
    }

    private static long variables(String template) {
        return PATH_VARIABLE.matcher(template).results().count();
    }

    private static boolean fits(String template, String path) {
        String[] wanted = template.split("/", -1);
        String[] given = path.split("/", -1);
        return wanted.length == given.length
                && Arrays.equals(
                        wanted,
                        given,
                        (a, b) -> PATH_VARIABLE.matcher(a).matches() && !b.isEmpty() ? 0 : a.compareTo(b));
    }

    private static String pointer(String template, String method) {
        return "/paths/" + escaped(template) + "/" + method.toLowerCase(Locale.ROOT);
    }

    private static String escaped(String name) {
        return name.replace("~", "~0")
                .replace("/", "~1")
                .replace("{", "%7B")
                .replace("}", "%7D")
                .replace("+", "%2B");
    }

    /** Says of each object that nothing else may be in it. */
    private static void close(JsonNode node) {
        if (node instanceof ObjectNode object
                && object.path("type").asString("").equals("object")
                && object.has("properties")
                && !object.has("additionalProperties")) {
            object.put("additionalProperties", false);
        }
        node.forEach(ApiDescription::close);
    }

    private static String text(HttpRequest.BodyPublisher publisher) {
        StringBuilder text = new StringBuilder();
        publisher.subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE); // publishers of what is in memory publish at once, on this thread
            }

            @Override
            public void onNext(ByteBuffer bytes) {
                text.append(StandardCharsets.UTF_8.decode(bytes));
            }

            @Override
            public void onError(Throwable e) {
                throw new IllegalStateException(e);
            }

            @Override
            public void onComplete() {
                // all of it has come
            }
        });
        return text.toString();
    }
}
