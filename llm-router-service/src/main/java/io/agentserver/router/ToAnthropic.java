package io.agentserver.router;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A request as a server wants it that speaks Anthropic's Messages API: the body that came in that shape, or OpenAI's put
 * into it. What OpenAI describes and Anthropic has nothing for (penalties, seeds, …) is left out, as Anthropic's own
 * OpenAI-compatible endpoint does; members that OpenAI does not describe are kept: Anthropic may know them. Pure.
 */
final class ToAnthropic {
    /** OpenAI's members that are put into others or have no counterpart. */
    static final Set<String> NOT_KEPT = Set.of(
            "audio",
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "metadata",
            "modalities",
            "model",
            "moderation",
            "n",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "service_tier",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "user",
            "verbosity",
            "web_search_options");

    private ToAnthropic() {}

    sealed interface Translation {
        record Translated(ObjectNode body) implements Translation {}

        /** @param why for the caller */
        record Impossible(String why) implements Translation {}
    }

    static Translation of(Backend.Request request) {
        ObjectNode body;
        if (request.chat().anthropic().isPresent()) {
            body = request.chat().anthropic().get().body().deepCopy();
            withoutOthersThoughts(body);
        } else {
            Optional<String> why = whyNot(request.chat().body());
            if (why.isPresent()) {
                return new Translation.Impossible(why.get());
            }
            body = translated(request.chat().body());
        }
        body.put("model", request.model())
                .put("max_tokens", request.maxOutput())
                .put("stream", true);
        List<String> betas =
                request.chat().anthropic().map(AnthropicBody::betas).orElse(List.of());
        return UnpricedAnthropic.in(body, betas) // by a member that OpenAI does not know
                .<Translation>map(refusal -> new Translation.Impossible(refusal.message()))
                .orElse(new Translation.Translated(body));
    }

    /** Thinking that another provider's model did has no signature, and Anthropic refuses it. */
    private static void withoutOthersThoughts(ObjectNode body) {
        for (JsonNode message : body.path("messages")) {
            if (message.path("content") instanceof ArrayNode blocks) {
                blocks.removeIf(block -> block.path("type").asString("").equals("thinking")
                        && block.path("signature").asString("").isEmpty());
            }
        }
        if (body.path("messages") instanceof ArrayNode messages) {
            messages.removeIf(message ->
                    message.path("content").isArray() && message.path("content").isEmpty());
        }
    }

    private static Optional<String> whyNot(ObjectNode chat) {
        if (chat.path("n").asInt(1) != 1) {
            return Optional.of("n must be 1: its models give one answer");
        }
        if (!chat.path("functions").isEmpty()) {
            return Optional.of("functions are not taken: write tools");
        }
        for (JsonNode tool : chat.path("tools")) {
            if (!tool.path("type").asString("").equals("function")) {
                return Optional.of("tools must each be of the type function");
            }
        }
        for (JsonNode message : chat.path("messages")) {
            for (JsonNode call : message.path("tool_calls")) {
                if (!isObject(call.at("/function/arguments").asString(""))) {
                    return Optional.of("messages: the arguments of a tool call must be a JSON object");
                }
            }
        }
        return Optional.empty();
    }

    private static boolean isObject(String json) {
        try {
            return json.isBlank() || Json.read(json).isObject();
        } catch (JacksonException malformed) {
            return false;
        }
    }

    private static ObjectNode translated(ObjectNode chat) {
        ObjectNode body = Json.object();
        for (Map.Entry<String, JsonNode> member : chat.properties()) {
            if (!NOT_KEPT.contains(member.getKey())) {
                body.set(member.getKey(), member.getValue());
            }
        }
        messages(chat.path("messages"), body);
        if (chat.path("temperature").isNumber()) {
            body.put("temperature", Math.min(chat.path("temperature").doubleValue(), 1)); // OpenAI's goes up to 2
        }
        JsonNode stop = chat.path("stop");
        if (stop.isString()) {
            body.putArray("stop_sequences").add(stop);
        } else if (stop.isArray() && !stop.isEmpty()) {
            body.set("stop_sequences", stop);
        }
        for (String member : List.of("safety_identifier", "user")) {
            if (chat.path(member).isString()) {
                body.putObject("metadata").set("user_id", chat.path(member));
                break;
            }
        }
        tools(chat, body);
        JsonNode schema = chat.at("/response_format/json_schema/schema");
        if (schema.isObject()) {
            ObjectNode config =
                    body.path("output_config") instanceof ObjectNode given ? given.deepCopy() : Json.object();
            body.set("output_config", config);
            config.putObject("format").put("type", "json_schema").set("schema", schema);
        }
        return body;
    }

    private static void messages(JsonNode messages, ObjectNode body) {
        ArrayNode system = Json.array();
        ArrayNode turns = Json.array();
        for (JsonNode message : messages) {
            switch (message.path("role").asString("")) {
                case "system", "developer" -> content(message.path("content"), system);
                case "assistant" -> assistant(message, blocks(turns, "assistant"));
                case "tool" -> toolResult(message, blocks(turns, "user"));
                default -> user(message, blocks(turns, "user"));
            }
        }
        turns.removeIf(turn -> turn.path("content").isEmpty());
        if (!system.isEmpty()) {
            body.set("system", system);
        }
        body.set("messages", turns);
    }

    /** Of the last turn if it is that role's: Anthropic wants all answers of tools in one message. */
    private static ArrayNode blocks(ArrayNode turns, String role) {
        JsonNode last = turns.path(turns.size() - 1);
        return last.path("role").asString("").equals(role) && last.path("content") instanceof ArrayNode blocks
                ? blocks
                : turns.addObject().put("role", role).putArray("content");
    }

    /** Anthropic's messages have no name, and the model should know who speaks. */
    private static void user(JsonNode message, ArrayNode blocks) {
        String name = message.path("name").asString("");
        if (!name.isEmpty()) {
            blocks.addObject().put("type", "text").put("text", name + ":");
        }
        content(message.path("content"), blocks);
    }

    private static void assistant(JsonNode message, ArrayNode blocks) {
        for (JsonNode thought : message.path("thinking_blocks")) {
            if (thought instanceof ObjectNode block) {
                ObjectNode copy = block.deepCopy();
                copy.remove("index");
                blocks.add(copy);
            }
        }
        content(message.path("content"), blocks);
        text(message.path("refusal").asString(""), blocks);
        for (JsonNode call : message.path("tool_calls")) {
            String arguments = call.at("/function/arguments").asString("");
            ObjectNode block = blocks.addObject().put("type", "tool_use");
            block.set("id", call.path("id"));
            block.set("name", call.at("/function/name"));
            block.set("input", arguments.isBlank() ? Json.object() : Json.read(arguments));
        }
    }

    private static void toolResult(JsonNode message, ArrayNode blocks) {
        ObjectNode block = blocks.addObject().put("type", "tool_result");
        block.set("tool_use_id", message.path("tool_call_id"));
        ArrayNode content = Json.array();
        content(message.path("content"), content);
        if (!content.isEmpty()) {
            block.set("content", content);
        }
    }

    private static void content(JsonNode content, ArrayNode blocks) {
        if (content.isString()) {
            text(content.stringValue(), blocks);
        }
        for (JsonNode part : content) {
            switch (part.path("type").asString("")) {
                case "text" -> {
                    if (!part.path("text").asString("").isEmpty() && part instanceof ObjectNode text) {
                        blocks.add(text.deepCopy()); // with what else it has, a cache mark maybe
                    }
                }
                case "refusal" -> text(part.path("refusal").asString(""), blocks);
                default -> image(part, blocks);
            }
        }
    }

    /** Anthropic refuses empty texts. */
    private static void text(String text, ArrayNode blocks) {
        if (!text.isEmpty()) {
            blocks.addObject().put("type", "text").put("text", text);
        }
    }

    private static void image(JsonNode part, ArrayNode blocks) {
        String url = part.path("image_url").path("url").asString("");
        ObjectNode source = blocks.addObject().put("type", "image").putObject("source");
        int data = url.indexOf(";base64,");
        if (url.startsWith("data:") && data > 0) {
            source.put("type", "base64")
                    .put("media_type", url.substring("data:".length(), data))
                    .put("data", url.substring(data + ";base64,".length()));
        } else {
            source.put("type", "url").put("url", url);
        }
    }

    private static void tools(ObjectNode chat, ObjectNode body) {
        if (chat.path("tools").isEmpty()) {
            return;
        }
        ArrayNode tools = body.putArray("tools");
        for (JsonNode tool : chat.path("tools")) {
            JsonNode function = tool.path("function");
            ObjectNode translated = tools.addObject();
            translated.set("name", function.path("name"));
            if (function.path("description").isString()) {
                translated.set("description", function.path("description"));
            }
            JsonNode parameters = function.path("parameters");
            translated.set(
                    "input_schema",
                    parameters.isObject() ? parameters : Json.object().put("type", "object"));
            if (function.path("strict").isBoolean()) {
                translated.set("strict", function.path("strict"));
            }
        }
        JsonNode asked = chat.path("tool_choice");
        boolean oneByOne = chat.path("parallel_tool_calls").isBoolean()
                && !chat.path("parallel_tool_calls").booleanValue();
        ObjectNode choice = Json.object();
        switch (asked.asString(asked.path("type").asString(""))) {
            case "none" -> choice.put("type", "none");
            case "required" -> choice.put("type", "any");
            case "function" -> choice.put("type", "tool").set("name", asked.at("/function/name"));
            default -> choice.put("type", "auto");
        }
        if (oneByOne && !choice.path("type").asString("").equals("none")) {
            choice.put("disable_parallel_tool_use", true);
        }
        if (!Json.isAbsent(asked) || oneByOne) {
            body.set("tool_choice", choice);
        }
    }
}
