package io.agentserver.gateway.openapi;

import io.agentserver.gateway.http.Json;
import io.agentserver.gateway.openapi.Operation.Parameter;
import io.agentserver.gateway.problems.ErrorEndpoint;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.util.function.SingletonSupplier;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.ValueConstants;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * {@code GET /openapi.json}: what the gateway serves, read from its mappings; {@code GET /docs}: the same for people. Both are made
 * when one is first asked for, once, and are for anybody.
 */
@RestController
public final class OpenApiEndpoint {
    private static final String FRESH = "public, max-age=300";

    /** OpenAPI describes these by other means. */
    private static final Set<String> NO_PARAMETERS =
            Set.of(HttpHeaders.AUTHORIZATION, HttpHeaders.ACCEPT, HttpHeaders.CONTENT_TYPE);

    private final SingletonSupplier<Published> published;

    /** @param mappings asked for when all of them are there */
    public OpenApiEndpoint(
            @Qualifier("requestMappingHandlerMapping") ObjectProvider<RequestMappingHandlerMapping> mappings) {
        this.published = SingletonSupplier.of(
                () -> publish(Description.of(operations(mappings.getObject().getHandlerMethods()), Version.current())));
    }

    private record Published(Document description, Document page) {}

    private static Published publish(Map<String, Object> description) {
        return new Published(Document.of(Json.text(description)), Document.of(DocsPage.html(description)));
    }

    @Call(
            id = "describe",
            does = "This description, in OpenAPI 3.1.",
            access = Access.OPEN,
            answers = {
                @Answer(
                        value = "The description.",
                        schema = "OpenApi",
                        headers = {"ETag", "Cache-Control"}),
                @Answer(
                        status = 304,
                        value = "The description of `If-None-Match` is the current one.",
                        headers = "ETag")
            })
    @GetMapping("/openapi.json")
    ResponseEntity<byte[]> description() {
        Document description = published.obtain().description();
        return answer(description, MediaType.APPLICATION_JSON).body(description.bytes());
    }

    @Call(
            id = "read",
            does = "This description, as a page to read.",
            access = Access.OPEN,
            answers = {
                @Answer(
                        value = "The page, without scripts.",
                        type = MediaType.TEXT_HTML_VALUE,
                        schema = "Page",
                        headers = {"ETag", "Cache-Control", "Content-Security-Policy"}),
                @Answer(
                        status = 304,
                        value = "The page of `If-None-Match` is the current one.",
                        headers = {"ETag", "Content-Security-Policy"})
            })
    @GetMapping("/docs")
    ResponseEntity<byte[]> page() {
        Document page = published.obtain().page();
        return answer(page, new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
                .header("Content-Security-Policy", DocsPage.POLICY)
                .header("Referrer-Policy", "no-referrer")
                .body(page.bytes());
    }

    private static ResponseEntity.BodyBuilder answer(Document document, MediaType type) {
        return ResponseEntity.ok()
                .contentType(type)
                .header(HttpHeaders.CACHE_CONTROL, FRESH)
                .eTag(document.etag());
    }

    /** @throws IllegalStateException for a call or a parameter without its annotation */
    static List<Operation> operations(Map<RequestMappingInfo, HandlerMethod> mapped) {
        List<Operation> operations = new ArrayList<>();
        mapped.forEach((mapping, method) -> {
            if (method.getBeanType() == ErrorEndpoint.class) {
                return; // the servlet container's own, behind all calls
            }
            Call call = method.getMethodAnnotation(Call.class);
            if (call == null) {
                throw new IllegalStateException(method + " is mapped and not described: give it a @Call");
            }
            for (String pattern : mapping.getPatternValues()) {
                for (RequestMethod verb : mapping.getMethodsCondition().getMethods()) {
                    operations.add(new Operation(verb.name(), withoutPatterns(pattern), parameters(method), call));
                }
            }
        });
        return operations;
    }

    /** {@code {version:[0-9]{1,18}}} is {@code {version}} to whoever calls. */
    private static String withoutPatterns(String path) {
        StringBuilder plain = new StringBuilder();
        int depth = 0;
        boolean inPattern = false;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            inPattern = depth > 0 && (inPattern || c == ':');
            if (!inPattern) {
                plain.append(c);
            }
        }
        return plain.toString();
    }

    private static List<Parameter> parameters(HandlerMethod method) {
        List<Parameter> parameters = new ArrayList<>();
        for (MethodParameter parameter : method.getMethodParameters()) {
            parameter.initParameterNameDiscovery(new DefaultParameterNameDiscoverer());
            Parameter read = parameter(parameter);
            if (read != null) {
                parameters.add(read);
            }
        }
        return parameters;
    }

    /** Null: it is none that a client sends, or described elsewhere. */
    private static @Nullable Parameter parameter(MethodParameter parameter) {
        PathVariable path = parameter.getParameterAnnotation(PathVariable.class);
        if (path != null) {
            return parameter(parameter, path.name(), "path", true, ValueConstants.DEFAULT_NONE);
        }
        RequestParam query = parameter.getParameterAnnotation(RequestParam.class);
        if (query != null) {
            return parameter(parameter, query.name(), "query", query.required(), query.defaultValue());
        }
        RequestHeader header = parameter.getParameterAnnotation(RequestHeader.class);
        if (header != null && !NO_PARAMETERS.contains(header.name())) {
            return parameter(parameter, header.name(), "header", header.required(), header.defaultValue());
        }
        return null;
    }

    private static Parameter parameter(
            MethodParameter parameter, String named, String in, boolean required, String usual) {
        String name = named.isEmpty() ? Objects.requireNonNull(parameter.getParameterName()) : named;
        Param about = parameter.getParameterAnnotation(Param.class);
        if (about == null) {
            throw new IllegalStateException(
                    parameter.getMethod() + ": " + name + " is not described: give it a @Param");
        }
        boolean hasUsual = !usual.equals(ValueConstants.DEFAULT_NONE);
        String type = type(parameter.getParameterType());
        return new Parameter(
                name, in, required && !hasUsual, type, hasUsual && !usual.isEmpty() ? value(usual, type) : null, about);
    }

    private static String type(Class<?> type) {
        return type == int.class || type == long.class ? "integer" : type == boolean.class ? "boolean" : "string";
    }

    private static Object value(String text, String type) {
        return switch (type) {
            case "integer" -> Long.valueOf(text);
            case "boolean" -> Boolean.valueOf(text);
            default -> text;
        };
    }
}
