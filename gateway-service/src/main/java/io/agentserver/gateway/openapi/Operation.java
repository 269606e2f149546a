package io.agentserver.gateway.openapi;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.List;

/**
 * A call as it is mapped.
 *
 * @param method of HTTP, in capitals
 * @param path with its variables in braces, without their patterns
 */
record Operation(String method, String path, List<Parameter> parameters, Call call) {
    private static final List<String> METHODS = List.of("GET", "POST", "PUT", "PATCH", "DELETE");

    /** By path, and in the usual order of methods. */
    static final Comparator<Operation> ORDER =
            Comparator.comparing(Operation::path).thenComparingInt(operation -> METHODS.indexOf(operation.method()));

    Operation {
        parameters = List.copyOf(parameters);
        if (!METHODS.contains(method)) {
            throw new IllegalArgumentException(method + " " + path + ": known methods are " + METHODS);
        }
    }

    /**
     * One in path, query or header.
     *
     * @param in as OpenAPI calls the place
     * @param type as JSON Schema calls it
     * @param usual its value when it is not sent; null: none
     */
    record Parameter(
            String name,
            String in,
            boolean required,
            String type,
            @Nullable Object usual,
            Param about) {}

    /** What the calls of one resource are listed under. */
    String tag() {
        String[] segments = path.split("/", -1);
        return switch (segments[1]) {
            case "v1" -> segments[2];
            case "admin" -> "operator";
            default -> "platform";
        };
    }
}
