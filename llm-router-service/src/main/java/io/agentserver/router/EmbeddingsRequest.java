package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Optional;

/** The body of {@code POST /v1/embeddings}: a model and an input, a text, a list of texts, or tokens. */
final class EmbeddingsRequest {
    private static final int MOST_INPUTS = 2048; // as OpenAI takes

    private EmbeddingsRequest() {}

    static ChatRequest.Reading read(byte[] json) {
        return switch (Body.read(json)) {
            case Body.Reading.Unreadable unreadable -> new ChatRequest.Reading.Unreadable(unreadable.refusal());
            case Body.Reading.Read read -> read(read.body(), read.model());
        };
    }

    private static ChatRequest.Reading read(ObjectNode body, String model) {
        JsonNode input = body.path("input");
        if (!isText(input) && !isTokens(input) && !isList(input)) {
            return new ChatRequest.Reading.Unreadable(Refusal.invalid(
                    "input must be a text, a list of 1 to " + MOST_INPUTS + " texts, or tokens, none of them empty",
                    "input"));
        }
        return new ChatRequest.Reading.Read(
                new ChatRequest(ChatRequest.Kind.EMBEDDINGS, body, model, false, false, Optional.empty()));
    }

    /** How many vectors it asks for. */
    static int inputs(ObjectNode body) {
        JsonNode input = body.path("input");
        return isText(input) || isTokens(input) ? 1 : input.size();
    }

    private static boolean isList(JsonNode input) {
        if (!input.isArray() || input.isEmpty() || input.size() > MOST_INPUTS) {
            return false;
        }
        for (JsonNode element : input) {
            if (!isText(element) && !isTokens(element)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isText(JsonNode node) {
        return node.isString() && !node.stringValue().isEmpty();
    }

    private static boolean isTokens(JsonNode node) {
        if (!node.isArray() || node.isEmpty()) {
            return false;
        }
        for (JsonNode token : node) {
            if (!token.isIntegralNumber()) {
                return false;
            }
        }
        return true;
    }
}
