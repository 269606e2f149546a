package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The body of Anthropic's {@code POST /v1/messages}, put into OpenAI's shape, which is the router's own. What has no
 * counterpart there (thinking, cache marks) is left out of it and stays in {@link ChatRequest#anthropic()}; members that
 * neither API describes are kept, for a provider may know them. Pure.
 */
final class AnthropicRequest {
    private static final Set<String> ROLES = Set.of("user", "assistant", "system");

    /** Anthropic's members that are put into others, or that no other provider knows. */
    private static final Set<String> NOT_KEPT = Set.of(
            "messages",
            "system",
            "stop_sequences",
            "metadata",
            "thinking",
            "tools",
            "tool_choice",
            "output_config",
            "cache_control",
            "service_tier",
            "speed",
            "container",
            "context_management",
            "mcp_servers",
            "inference_geo",
            "diagnostics",
            "user_profile_id",
            "workspace_id");

    private AnthropicRequest() {}

    /** @param betas the header {@code anthropic-beta}, if there is one */
    static ChatRequest.Reading read(byte[] json, @Nullable String betas) {
        return switch (Body.read(json)) {
            case Body.Reading.Unreadable unreadable -> new ChatRequest.Reading.Unreadable(unreadable.refusal());
            case Body.Reading.Read read -> read(read.body(), read.model(), betas);
        };
    }

    private static ChatRequest.Reading read(ObjectNode body, String model, @Nullable String header) {
        JsonNode messages = body.path("messages");
        if (!messages.isArray() || messages.isEmpty()) {
            return unreadable("messages is missing or empty: send at least one message", "messages");
        }
        for (JsonNode message : messages) {
            if (!ROLES.contains(message.path("role").asString(""))
                    || !message.path("content").isString()
                            && !message.path("content").isArray()) {
                return unreadable("messages: each must have a role (user, assistant) and a content", "messages");
            }
        }
        JsonNode stream = body.path("stream");
        if (!Json.isAbsent(stream) && !stream.isBoolean()) {
            return unreadable("stream must be true or false", "stream");
        }
        List<String> betas = header == null
                ? List.of()
                : Arrays.stream(header.split(","))
                        .map(String::strip)
                        .filter(beta -> !beta.isEmpty())
                        .toList();
        Optional<Refusal> unpriced = UnpricedAnthropic.in(body, betas);
        if (unpriced.isPresent()) {
            return new ChatRequest.Reading.Unreadable(unpriced.get());
        }
        ObjectNode chat = toOpenAi(body);
        Optional<Refusal> unpricedThere = Unpriced.in(chat); // by a member that was kept
        if (unpricedThere.isPresent()) {
            return new ChatRequest.Reading.Unreadable(unpricedThere.get());
        }
        if (chat.path("n").asInt(1) > 1) {
            return unreadable("n must be 1: a message of this shape has room for one answer", "n");
        }
        return new ChatRequest.Reading.Read(new ChatRequest(
                ChatRequest.Kind.CHAT,
                chat,
                model,
                stream.asBoolean(false),
                true,
                Optional.of(new AnthropicBody(body, betas))));
    }

    private static ObjectNode toOpenAi(ObjectNode body) {
        ObjectNode chat = Json.object();
        for (Map.Entry<String, JsonNode> member : body.properties()) {
            if (!NOT_KEPT.contains(member.getKey())) {
                chat.set(member.getKey(), member.getValue());
            }
        }
        ArrayNode messages = chat.putArray("messages");
        if (!Json.isAbsent(body.path("system"))) {
            messages.addObject().put("role", "system").put("content", Json.contentText(body.path("system")));
        }
        for (JsonNode message : body.path("messages")) {
            switch (message.path("role").asString("")) {
                case "assistant" -> assistant(message.path("content"), messages);
                case "system" ->
                    messages.addObject()
                            .put("role", "system")
                            .put("content", Json.contentText(message.path("content")));
                default -> user(message.path("content"), messages);
            }
        }
        if (!Json.isAbsent(body.path("stop_sequences"))) {
            chat.set("stop", body.path("stop_sequences"));
        }
        JsonNode user = body.path("metadata").path("user_id");
        if (user.isString()) {
            chat.put("user", user.stringValue());
        }
        if (!body.path("tools").isEmpty()) {
            tools(body.path("tools"), chat.putArray("tools"));
        }
        toolChoice(body.path("tool_choice"), chat);
        JsonNode format = body.path("output_config").path("format");
        if (format.path("type").asString("").equals("json_schema")) {
            ObjectNode response = chat.putObject("response_format").put("type", "json_schema");
            response.putObject("json_schema")
                    .put("name", "answer")
                    .put("strict", true)
                    .set("schema", format.path("schema"));
        }
        return chat;
    }

    /** What tools have answered must stand right behind their calls. */
    private static void user(JsonNode content, ArrayNode messages) {
        if (content.isString()) {
            messages.addObject().put("role", "user").put("content", content.stringValue());
            return;
        }
        ArrayNode parts = Json.array();
        for (JsonNode block : content) {
            if (block.path("type").asString("").equals("tool_result")) {
                toolResult(block, messages, parts);
            }
        }
        for (JsonNode block : content) {
            switch (block.path("type").asString("")) {
                case "text" -> textPart(block.path("text").asString(""), parts);
                case "image" -> imagePart(block.path("source"), parts);
                default -> {} // done above, or of no use to others
            }
        }
        if (parts.isEmpty()) {
            return;
        }
        ObjectNode message = messages.addObject().put("role", "user");
        if (parts.size() == 1 && parts.path(0).path("type").asString("").equals("text")) {
            message.set("content", parts.path(0).path("text")); // older servers take nothing else
        } else {
            message.set("content", parts);
        }
    }

    /** Images that a tool answers with go into the user's message: OpenAI's tool messages take texts alone. */
    private static void toolResult(JsonNode block, ArrayNode messages, ArrayNode images) {
        String text = Json.contentText(block.path("content"));
        messages.addObject()
                .put("role", "tool")
                .put("tool_call_id", block.path("tool_use_id").asString(""))
                .put("content", block.path("is_error").asBoolean(false) ? "error: " + text : text);
        for (JsonNode part : block.path("content")) {
            if (part.path("type").asString("").equals("image")) {
                imagePart(part.path("source"), images);
            }
        }
    }

    private static void textPart(String text, ArrayNode parts) {
        parts.addObject().put("type", "text").put("text", text);
    }

    private static void imagePart(JsonNode source, ArrayNode parts) {
        String url = source.path("type").asString("").equals("url")
                ? source.path("url").asString("")
                : "data:" + source.path("media_type").asString("") + ";base64,"
                        + source.path("data").asString("");
        parts.addObject().put("type", "image_url").putObject("image_url").put("url", url);
    }

    private static void assistant(JsonNode content, ArrayNode messages) {
        ObjectNode message = Json.object().put("role", "assistant");
        ArrayNode calls = Json.array();
        List<String> texts = new ArrayList<>();
        if (content.isString()) {
            texts.add(content.stringValue());
        }
        for (JsonNode block : content) {
            switch (block.path("type").asString("")) {
                case "text" -> texts.add(block.path("text").asString(""));
                case "tool_use" -> {
                    ObjectNode call = calls.addObject()
                            .put("id", block.path("id").asString(""))
                            .put("type", "function");
                    call.putObject("function")
                            .put("name", block.path("name").asString(""))
                            .put("arguments", Json.text(block.path("input")));
                }
                default -> {} // what Anthropic's models thought is for them alone
            }
        }
        if (texts.isEmpty() && calls.isEmpty()) {
            return;
        }
        if (texts.isEmpty()) {
            message.putNull("content");
        } else {
            message.put("content", texts.stream().collect(Collectors.joining()));
        }
        if (!calls.isEmpty()) {
            message.set("tool_calls", calls);
        }
        messages.add(message);
    }

    private static void tools(JsonNode tools, ArrayNode functions) {
        for (JsonNode tool : tools) {
            ObjectNode function = functions.addObject().put("type", "function").putObject("function");
            function.set("name", tool.path("name"));
            if (tool.path("description").isString()) {
                function.set("description", tool.path("description"));
            }
            function.set("parameters", tool.path("input_schema"));
            if (tool.path("strict").isBoolean()) {
                function.set("strict", tool.path("strict"));
            }
        }
    }

    private static void toolChoice(JsonNode choice, ObjectNode chat) {
        switch (choice.path("type").asString("")) {
            case "auto" -> chat.put("tool_choice", "auto");
            case "any" -> chat.put("tool_choice", "required");
            case "none" -> chat.put("tool_choice", "none");
            case "tool" -> {
                ObjectNode named = chat.putObject("tool_choice").put("type", "function");
                named.putObject("function").set("name", choice.path("name"));
            }
            default -> {} // not asked for
        }
        if (choice.path("disable_parallel_tool_use").asBoolean(false)) {
            chat.put("parallel_tool_calls", false);
        }
    }

    private static ChatRequest.Reading unreadable(String message, String param) {
        return new ChatRequest.Reading.Unreadable(Refusal.invalid(message, param));
    }
}
