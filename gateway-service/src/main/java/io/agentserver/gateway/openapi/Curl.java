package io.agentserver.gateway.openapi;

import io.agentserver.gateway.http.Json;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import static io.agentserver.gateway.openapi.Description.asMap;
import static io.agentserver.gateway.openapi.Description.list;
import static io.agentserver.gateway.openapi.Description.map;

/** Examples of a call for a shell: one for each media type that it takes, with what it cannot do without. */
final class Curl {
    private static final String NEXT = " \\\n  ";

    private Curl() {}

    static List<String> of(String method, String path, Map<String, Object> operation, Map<String, Object> schemas) {
        StringBuilder url = new StringBuilder(path);
        StringBuilder headers = new StringBuilder();
        list(operation, "security").stream()
                .findFirst()
                .ifPresent(way -> headers.append(NEXT)
                        .append("-H \"Authorization: Bearer $")
                        .append(asMap(way).containsKey("operatorKey") ? "AGENTSERVER_ADMIN_KEY" : "AGENTSERVER_API_KEY")
                        .append('"'));
        for (Object each : list(operation, "parameters")) {
            Map<String, Object> parameter = asMap(each);
            String name = String.valueOf(parameter.get("name"));
            String example = String.valueOf(parameter.getOrDefault("example", ""));
            if (!Boolean.TRUE.equals(parameter.get("required")) && example.isEmpty()) {
                continue;
            }
            switch (String.valueOf(parameter.get("in"))) {
                case "path" -> {
                    int at = url.indexOf("{" + name + "}");
                    url.replace(at, at + name.length() + 2, example);
                }
                case "query" ->
                    url.append(url.indexOf("?") < 0 ? '?' : '&')
                            .append(name)
                            .append('=')
                            .append(URLEncoder.encode(example, StandardCharsets.UTF_8));
                default -> headers.append(NEXT).append("-H ").append(quoted(name + ": " + example));
            }
        }
        String verb = method.equals("get") ? "" : " -X " + method.toUpperCase(Locale.ROOT);
        String call = "curl" + verb + " \"$AGENTSERVER_URL" + url + '"' + headers;
        List<String> examples = new ArrayList<>();
        asMap(asMap(operation.getOrDefault("requestBody", Map.of())).getOrDefault("content", Map.of()))
                .forEach((type, content) -> examples.add(call + NEXT + "-H " + quoted("Content-Type: " + type) + NEXT
                        + "--data-binary " + quoted(example(map(schemas, name(map(asMap(content), "schema")))))));
        return examples.isEmpty() ? List.of(call) : examples;
    }

    /** Of a schema that is another's by reference. */
    static String name(Map<String, Object> schema) {
        String reference = String.valueOf(schema.get("$ref"));
        return reference.substring(reference.lastIndexOf('/') + 1);
    }

    private static String example(Map<String, Object> schema) {
        Object example = list(schema, "examples").getFirst();
        return example instanceof String text ? text.strip() : Json.text(example);
    }

    /** For a POSIX shell. */
    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
