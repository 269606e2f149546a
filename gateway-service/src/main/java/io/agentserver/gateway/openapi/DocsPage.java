package io.agentserver.gateway.openapi;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

import static io.agentserver.gateway.openapi.Description.asMap;
import static io.agentserver.gateway.openapi.Description.list;
import static io.agentserver.gateway.openapi.Description.map;

/** The description as one page of HTML: no script, nothing fetched, nothing but what the description says. */
final class DocsPage {
    private static final String CSS = css();

    /** For {@code Content-Security-Policy}: the page's own style sheet, known by its hash, and nothing else. */
    static final String POLICY = "default-src 'none'; style-src 'sha256-"
            + Base64.getEncoder().encodeToString(Document.sha256(CSS.getBytes(StandardCharsets.UTF_8)))
            + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final Map<String, Object> description;
    private final Map<String, Object> schemas;
    private final Html html = new Html();

    private DocsPage(Map<String, Object> description) {
        this.description = description;
        this.schemas = map(map(description, "components"), "schemas");
    }

    /** @param description as {@link Description} makes it */
    static String html(Map<String, Object> description) {
        return new DocsPage(description).page();
    }

    private String page() {
        Map<String, Object> info = map(description, "info");
        String title = text(info, "title") + " API " + text(info, "version");
        html.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
                .element("title", title)
                .raw("<style>" + CSS + "</style></head>\n<body>\n<header>")
                .element("h1", title)
                .paragraphs(text(info, "description"));
        html.raw("<p>As <a href=\"/openapi.json\">OpenAPI " + text(description, "openapi")
                + "</a>.</p></header>\n<nav>");
        contents();
        html.raw("</nav>\n<main>");
        for (Map<String, Object> tag : tags()) {
            String name = text(tag, "name");
            html.raw("\n<section><h2 id=\"tag-" + name + "\">")
                    .text(title(name))
                    .raw("</h2>");
            html.paragraphs(text(tag, "description"));
            calls(name).forEach(this::call);
            html.raw("</section>");
        }
        html.raw("\n<section><h2 id=\"schemas\">Schemas</h2>");
        schemas.forEach(this::schema);
        return html.raw("</section>\n</main></body></html>\n").toString();
    }

    /** A call, where it is in the description. */
    private record Described(String method, String path, Map<String, Object> operation) {}

    private void contents() {
        html.raw("<details><summary>Calls</summary>");
        for (Map<String, Object> tag : tags()) {
            html.element("strong", title(text(tag, "name"))).raw("<ul>");
            for (Described call : calls(text(tag, "name"))) {
                html.raw("<li><a href=\"#" + text(call.operation(), "operationId") + "\">");
                verb(call.method());
                html.raw(" ").element("code", call.path()).raw("</a></li>");
            }
            html.raw("</ul>");
        }
        html.raw("<a href=\"#schemas\">Schemas</a></details>");
    }

    private void call(Described call) {
        Map<String, Object> operation = call.operation();
        html.raw("\n<article id=\"" + text(operation, "operationId") + "\"><h3 class=\"call\">");
        verb(call.method());
        html.element("code", call.path()).raw("</h3>");
        html.paragraphs(text(operation, "summary")).paragraphs(text(operation, "description"));
        html.raw("<p class=\"quiet\">").text(access(operation)).raw("</p>");
        List<Object> parameters = list(operation, "parameters");
        if (!parameters.isEmpty()) {
            html.raw("<h4>Parameters</h4><dl>");
            parameters.forEach(parameter -> parameter(asMap(parameter)));
            html.raw("</dl>");
        }
        if (operation.containsKey("requestBody")) {
            html.raw("<h4>Body</h4><dl>");
            map(map(operation, "requestBody"), "content").forEach((type, content) -> {
                html.raw("<dt>").element("code", type).raw(" ");
                link(map(asMap(content), "schema"));
                html.raw("</dt>");
            });
            html.raw("</dl>");
        }
        html.raw("<h4>Example</h4>");
        Curl.of(call.method(), call.path(), operation, schemas)
                .forEach(example -> html.raw("<pre>").text(example).raw("</pre>"));
        html.raw("<h4>Answers</h4><dl>");
        map(operation, "responses").forEach((status, response) -> answer(status, asMap(response)));
        html.raw("</dl></article>");
    }

    private void parameter(Map<String, Object> parameter) {
        Map<String, Object> schema = new LinkedHashMap<>(map(parameter, "schema"));
        html.raw("<dt>").element("code", text(parameter, "name"));
        html.raw(" <span class=\"quiet\">")
                .text("in the " + text(parameter, "in")
                        + (Boolean.TRUE.equals(parameter.get("required")) ? ", required" : "") + "; " + kind(schema))
                .raw("</span></dt><dd>")
                .inline(text(parameter, "description"))
                .raw("</dd>");
    }

    private void answer(String status, Map<String, Object> response) {
        html.raw("<dt><strong>")
                .text(status.equals("default") ? "any other" : status)
                .raw("</strong> ");
        asMap(response.getOrDefault("content", Map.of())).forEach((type, content) -> {
            html.element("code", type).raw(" ");
            link(map(asMap(content), "schema"));
            html.raw(" ");
        });
        String headers = asMap(response.getOrDefault("headers", Map.of())).keySet().stream()
                .filter(name -> !name.equals("Request-Id") && !name.startsWith("RateLimit"))
                .map(name -> "`" + name + "`")
                .collect(Collectors.joining(", "));
        html.raw("</dt><dd>").inline(text(response, "description"));
        if (!headers.isEmpty()) {
            html.raw(" <span class=\"quiet\">With ").inline(headers).raw(".</span>");
        }
        html.raw("</dd>");
    }

    private void schema(String name, Object schema) {
        html.raw("\n<article class=\"schema\" id=\"schema-" + name + "\">").element("h3", name);
        html.paragraphs(text(asMap(schema), "description"));
        members(asMap(schema));
        html.raw("</article>");
    }

    private void members(Map<String, Object> schema) {
        if (!schema.containsKey("properties")) {
            html.raw("<p class=\"quiet\">").text(kind(schema)).raw("</p>");
            return;
        }
        List<Object> required = list(schema, "required");
        html.raw("<dl>");
        map(schema, "properties").forEach((name, member) -> {
            html.raw("<dt>").element("code", name).raw(" <span class=\"quiet\">");
            value(asMap(member));
            html.text(required.contains(name) ? "" : ", may be missing").raw("</span></dt><dd>");
            html.inline(text(asMap(member), "description"));
            Map<String, Object> inner = asMap(asMap(member).getOrDefault("items", member));
            if (inner.containsKey("properties")) {
                members(inner);
            }
            html.raw("</dd>");
        });
        html.raw("</dl>");
    }

    /** What a member may be, with links to what has a name. */
    private void value(Map<String, Object> schema) {
        if (schema.containsKey("$ref")) {
            link(schema);
        } else if (schema.containsKey("items")) {
            html.text("list of ");
            value(map(schema, "items"));
        } else if (schema.containsKey("oneOf")) {
            String between = "";
            for (Object way : list(schema, "oneOf")) {
                html.text(between);
                value(asMap(way));
                between = " or ";
            }
        } else {
            html.text(kind(schema));
        }
    }

    private void link(Map<String, Object> schema) {
        String name = Curl.name(schema);
        html.raw("<a href=\"#schema-" + name + "\">").text(name).raw("</a>");
    }

    private static String kind(Map<String, Object> schema) {
        StringBuilder kind = new StringBuilder();
        kind.append(
                schema.get("type") instanceof List<?> types
                        ? types.stream().map(String::valueOf).collect(Collectors.joining(" or "))
                        : text(schema, "type"));
        schema.forEach((keyword, value) -> {
            switch (keyword) {
                case "format" -> kind.append(" (").append(value).append(')');
                case "contentMediaType" -> kind.append(' ').append(value);
                case "enum" ->
                    kind.append(kind.isEmpty() ? "" : ", ")
                            .append("one of ")
                            .append(list(schema, "enum").stream()
                                    .map(String::valueOf)
                                    .collect(Collectors.joining(", ")));
                case "const" ->
                    kind.append(kind.isEmpty() ? "" : ", ").append("always ").append(value);
                case "minimum" -> kind.append(", at least ").append(value);
                case "maximum" -> kind.append(", at most ").append(value);
                case "minLength" -> kind.append(", of ").append(value).append(" characters and more");
                case "maxLength" -> kind.append(", of at most ").append(value).append(" characters");
                case "pattern" -> kind.append(", ").append(value);
                case "default" -> kind.append(", otherwise ").append(value);
                default -> {
                    // told elsewhere, or to machines alone
                }
            }
        });
        return kind.toString().replaceFirst("^, ", "");
    }

    private static String access(Map<String, Object> operation) {
        List<Object> ways = list(operation, "security");
        if (ways.isEmpty()) {
            return text(operation, "tags").equals("[respond]") ? "Without a key." : "For anybody.";
        }
        if (asMap(ways.getFirst()).containsKey("operatorKey")) {
            return "With the operator's key.";
        }
        return asMap(ways.getLast()).isEmpty() ? "With an API key, or signed." : "With an API key.";
    }

    private void verb(String method) {
        html.raw("<span class=\"verb " + method + "\">")
                .text(method.toUpperCase(Locale.ROOT))
                .raw("</span>");
    }

    private List<Map<String, Object>> tags() {
        return list(description, "tags").stream().map(Description::asMap).toList();
    }

    private List<Described> calls(String tag) {
        return map(description, "paths").entrySet().stream()
                .flatMap(path -> asMap(path.getValue()).entrySet().stream()
                        .map(method -> new Described(method.getKey(), path.getKey(), asMap(method.getValue()))))
                .filter(call -> list(call.operation(), "tags").contains(tag))
                .toList();
    }

    private static String title(String tag) {
        return tag.replace('-', ' ');
    }

    private static String text(Map<String, Object> json, String name) {
        return String.valueOf(json.getOrDefault(name, ""));
    }

    private static String css() {
        try (InputStream in = Objects.requireNonNull(DocsPage.class.getResourceAsStream("docs.css"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
