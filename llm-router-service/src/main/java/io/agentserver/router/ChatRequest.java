package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What a model is asked: the body of {@code POST /v1/chat/completions} or {@code /v1/embeddings}, or a body in Anthropic's
 * shape put into that of chat completions ({@link AnthropicRequest}). Only what the router itself acts on, and what bears
 * upon the price, is looked at; everything else goes to the provider as it came.
 *
 * @param body in OpenAI's shape; never changed; who sends it on copies it
 * @param anthropic the body as it came, where it came in Anthropic's shape
 */
record ChatRequest(
        Kind kind,
        ObjectNode body,
        String model,
        boolean stream,
        boolean includeUsage,
        Optional<AnthropicBody> anthropic) {
    enum Kind {
        CHAT,
        EMBEDDINGS
    }

    /** A request, or why it is none. */
    sealed interface Reading {
        record Read(ChatRequest request) implements Reading {}

        record Unreadable(Refusal refusal) implements Reading {}
    }

    static Reading read(byte[] json) {
        return switch (Body.read(json)) {
            case Body.Reading.Unreadable unreadable -> new Reading.Unreadable(unreadable.refusal());
            case Body.Reading.Read read -> read(read.body(), read.model());
        };
    }

    private static Reading read(ObjectNode body, String model) {
        JsonNode messages = body.path("messages");
        if (!messages.isArray() || messages.isEmpty()) {
            return unreadable("messages is missing or empty: send at least one message", "messages");
        }
        for (JsonNode message : messages) {
            if (!message.isObject() || !message.path("role").isString()) {
                return unreadable("messages: each must be an object with a role", "messages");
            }
        }
        JsonNode stream = body.path("stream");
        if (!Json.isAbsent(stream) && !stream.isBoolean()) {
            return unreadable("stream must be true or false", "stream");
        }
        JsonNode options = body.path("stream_options");
        if (!Json.isAbsent(options) && !options.isObject()) {
            return unreadable("stream_options must be an object", "stream_options");
        }
        Optional<Refusal> unpriced = Unpriced.in(body);
        if (unpriced.isPresent()) {
            return new Reading.Unreadable(unpriced.get());
        }
        boolean streamed = stream.asBoolean(false);
        return new Reading.Read(new ChatRequest(
                Kind.CHAT,
                body,
                model,
                streamed,
                streamed && options.path("include_usage").asBoolean(false),
                Optional.empty()));
    }

    /**
     * The most tokens of one answer: the smaller one, if it says it by both names.
     *
     * @param otherwise if it does not say
     */
    int answerCap(int otherwise) {
        int completion = body.path("max_completion_tokens").asInt(Integer.MAX_VALUE);
        int answer = Math.min(completion, body.path("max_tokens").asInt(Integer.MAX_VALUE));
        return answer == Integer.MAX_VALUE ? otherwise : answer;
    }

    /** How many vectors it asks for. */
    int vectors() {
        return kind == Kind.EMBEDDINGS ? EmbeddingsRequest.inputs(body) : 0;
    }

    /** How many answers it asks for. */
    int answers() {
        return body.path("n").asInt(1);
    }

    /** The most tokens of all answers together; {@code otherwise} as above. */
    long maxOutput(int otherwise) {
        return kind == Kind.EMBEDDINGS ? 0 : (long) answerCap(otherwise) * answers();
    }

    /** How many images it shows. */
    int images() {
        int images = 0;
        for (JsonNode message : body.path("messages")) {
            for (JsonNode part : message.path("content")) {
                images += part.path("type").asString("").equals("image_url") ? 1 : 0;
            }
        }
        return images;
    }

    /** Whether it asks for reasoning, which some providers do and charge without showing it. */
    boolean asksForReasoning() {
        JsonNode effort = body.path("reasoning_effort");
        return !Json.isAbsent(effort) && !effort.asString("").equals("none")
                || body.path("thinking").isObject()
                || anthropic.filter(AnthropicBody::asksForThinking).isPresent()
                || body.path("reasoning").isObject();
    }

    /** SHA-256, hex, the same for every spelling of the same JSON; another one for another call's body. */
    String digest() {
        if (anthropic.isPresent()) {
            String asked = "anthropic " + anthropic.get().betas() + " ";
            return sha256(asked + new String(Json.normalForm(anthropic.get().body()), StandardCharsets.UTF_8));
        }
        return kind == Kind.CHAT
                ? sha256(Json.normalForm(body))
                : sha256("embeddings " + new String(Json.normalForm(body), StandardCharsets.UTF_8));
    }

    /** As {@link #digest}, but the same for one answer however it is delivered, and by whatever name the model was asked for. */
    String digestForCache() {
        ObjectNode asked = anthropic.map(AnthropicBody::body).orElse(body).deepCopy();
        asked.remove(List.of("model", "stream", "stream_options"));
        String shape = anthropic.map(asIs -> "anthropic " + asIs.betas()).orElse("openai");
        return sha256(kind + " " + shape + " " + new String(Json.normalForm(asked), StandardCharsets.UTF_8));
    }

    static String sha256(String text) {
        return sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Whether it offers tools: some providers put a text of their own before it then. */
    boolean hasTools() {
        return !body.path("tools").isEmpty();
    }

    private static Reading unreadable(String message, String param) {
        return new Reading.Unreadable(Refusal.invalid(message, param.isEmpty() ? null : param));
    }
}
