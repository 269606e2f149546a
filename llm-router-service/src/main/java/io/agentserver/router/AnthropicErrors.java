package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

/** Errors in Anthropic's shape: {@code {"type":"error","error":{"type","message"},"request_id"}}. */
final class AnthropicErrors {
    private AnthropicErrors() {}

    static ObjectNode body(Refusal refusal, String requestId) {
        ObjectNode body = Json.object().put("type", "error");
        body.putObject("error").put("type", type(refusal.status())).put("message", refusal.message());
        return body.put("request_id", requestId);
    }

    private static String type(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 402 -> "billing_error";
            case 403 -> "permission_error";
            case 404 -> "not_found_error";
            case 408 -> "timeout_error";
            case 413 -> "request_too_large";
            case 429 -> "rate_limit_error";
            case 503 -> "overloaded_error";
            default -> status >= 500 ? "api_error" : "invalid_request_error";
        };
    }
}
