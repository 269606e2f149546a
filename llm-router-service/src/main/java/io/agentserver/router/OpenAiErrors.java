package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

/** Errors in OpenAI's shape: {@code {"error":{"message","type","param","code"}}}. */
final class OpenAiErrors {
    private OpenAiErrors() {}

    static ObjectNode body(Refusal refusal) {
        ObjectNode body = Json.object();
        body.putObject("error")
                .put("message", refusal.message())
                .put("type", refusal.reason().type())
                .put("param", refusal.param())
                .put("code", refusal.reason().code());
        return body;
    }
}
