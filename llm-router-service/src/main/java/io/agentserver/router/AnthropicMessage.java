package io.agentserver.router;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Map;

/** A completion as Anthropic writes a message. Pure. */
final class AnthropicMessage {
    private AnthropicMessage() {}

    /** @param thinking whether the client asked for thinking and so knows what to do with it */
    static ObjectNode of(ObjectNode completion, boolean thinking) {
        JsonNode choice = completion.path("choices").path(0);
        ObjectNode message = head(completion);
        message.set("content", content(choice.path("message"), thinking));
        end(choice, message);
        message.set("usage", usage(completion.path("usage")));
        message.set("agentserver", completion.path("agentserver"));
        return message;
    }

    /** What is known of it before its content. */
    static ObjectNode head(ObjectNode completion) {
        return Json.object()
                .put("id", completion.path("id").asString(""))
                .put("type", "message")
                .put("role", "assistant")
                .put("model", completion.path("model").asString(""));
    }

    /** Sets how it ended. */
    static void end(JsonNode choice, ObjectNode into) {
        String reason = choice.path("finish_reason").asString("");
        JsonNode own = choice.path("stop_reason"); // Anthropic's, or what vLLM writes there: the text it stopped at
        if (!choice.path("message").has("blocks") && !own.isString()) {
            into.put("stop_reason", stopReason(reason)).putNull("stop_sequence");
        } else if (choice.path("message").has("blocks") || choice.has("stop_sequence")) {
            into.put("stop_reason", own.asString(stopReason(reason)));
            into.put(
                    "stop_sequence",
                    choice.path("stop_sequence").isString()
                            ? choice.path("stop_sequence").stringValue()
                            : null);
        } else {
            into.put("stop_reason", "stop_sequence").set("stop_sequence", own);
        }
    }

    private static String stopReason(String finishReason) {
        return switch (finishReason) {
            case "length" -> "max_tokens";
            case "tool_calls", "function_call" -> "tool_use";
            case "content_filter" -> "refusal";
            default -> "end_turn";
        };
    }

    /** Of OpenAI's usage, with what Anthropic has said itself. */
    static ObjectNode usage(JsonNode usage) {
        ObjectNode written = Json.object().putNull("server_tool_use").putNull("service_tier");
        for (Map.Entry<String, JsonNode> member : usage.path("anthropic").properties()) {
            written.set(member.getKey(), member.getValue());
        }
        JsonNode details = usage.path("prompt_tokens_details");
        long read = details.path("cached_tokens").asLong(0);
        long created = details.path("cache_write_tokens").asLong(0);
        return written.put(
                        "input_tokens", Math.max(0, usage.path("prompt_tokens").asLong(0) - read - created))
                .put("cache_creation_input_tokens", created)
                .put("cache_read_input_tokens", read)
                .put("output_tokens", usage.path("completion_tokens").asLong(0));
    }

    private static ArrayNode content(JsonNode said, boolean thinking) {
        ArrayNode content = Json.array();
        if (said.has("blocks")) {
            said.path("blocks").forEach(block -> content.add(block(block)));
            return content;
        }
        String thought =
                said.path("reasoning_content").asString(said.path("reasoning").asString(""));
        if (thinking && !thought.isEmpty()) {
            content.addObject().put("type", "thinking").put("thinking", thought).put("signature", "");
        }
        text(Json.contentText(said.path("content")), content);
        text(said.path("refusal").asString(""), content);
        for (JsonNode call : said.path("tool_calls")) {
            ObjectNode block = content.addObject().put("type", "tool_use");
            block.set("id", call.path("id"));
            block.set("name", call.at("/function/name"));
            block.set("input", input(call.at("/function/arguments").asString("")));
        }
        return content;
    }

    private static ObjectNode block(JsonNode kept) {
        ObjectNode block = kept instanceof ObjectNode object ? object.deepCopy() : Json.object();
        block.remove("index");
        JsonNode input = block.remove("partial_json");
        if (block.path("type").asString("").equals("tool_use")) {
            block.set("input", input(input == null ? "" : input.asString("")));
        }
        return block;
    }

    private static void text(String text, ArrayNode content) {
        if (!text.isEmpty()) {
            content.addObject().put("type", "text").put("text", text);
        }
    }

    /** A model may write a tool's arguments wrongly; Anthropic's shape has only objects for them. */
    private static JsonNode input(String json) {
        try {
            JsonNode input = json.isBlank() ? Json.object() : Json.read(json);
            return input.isObject() ? input : Json.object().set("value", input);
        } catch (JacksonException malformed) {
            return Json.object().put("malformed", json);
        }
    }
}
