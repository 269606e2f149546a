package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts the events of one of Anthropic's streams into chunks of OpenAI's: for a client that speaks OpenAI's shape as text,
 * tool calls, {@code reasoning_content} and, at the end of each thought, {@code thinking_blocks}, which the client sends back
 * with its tools' answers; for one that speaks Anthropic's as {@code blocks}. Used on one thread.
 */
final class FromAnthropic {
    private final boolean blocks;
    private final long created;
    private final ObjectNode usage = Json.object();
    private final Map<Integer, Integer> toolCalls = new HashMap<>(); // index of the block → of the call
    private final Map<Integer, ObjectNode> thoughts = new HashMap<>();
    /** Calls whose arguments nothing has been said of yet: without any, Anthropic says none, where OpenAI says an empty object. */
    private final Set<Integer> unsaid = new HashSet<>();

    private JsonNode id = Json.object().stringNode("");
    private JsonNode model = Json.object().stringNode("");

    /**
     * @param blocks whether the client speaks Anthropic's shape too
     * @param created when the answer began, in seconds of the epoch, which Anthropic does not say
     */
    FromAnthropic(boolean blocks, long created) {
        this.blocks = blocks;
        this.created = created;
    }

    /** Null for one that brings nothing. */
    @Nullable
    ObjectNode event(ObjectNode event) {
        int index = event.path("index").asInt(0);
        return switch (event.path("type").asString("")) {
            case "message_start" -> start(event.path("message"));
            case "content_block_start" -> opened(index, event.path("content_block"));
            case "content_block_delta" -> grown(index, event.path("delta"));
            case "content_block_stop" -> closed(index);
            case "message_delta" -> ended(event.path("delta"), event.path("usage"));
            default -> null; // pings, and what is yet to come
        };
    }

    /** A message in one piece, as if it had been streamed. */
    List<ObjectNode> whole(ObjectNode message) {
        List<ObjectNode> chunks = new ArrayList<>();
        chunks.add(start(message));
        int index = 0;
        for (JsonNode block : message.path("content")) {
            add(opened(index, block), chunks);
            if (!blocks && block.path("type").asString("").equals("text")) {
                add(grown(index, Json.object().put("type", "text_delta").set("text", block.path("text"))), chunks);
            }
            add(closed(index), chunks);
            index++;
        }
        chunks.add(ended(message, message.path("usage")));
        return chunks;
    }

    private static void add(@Nullable ObjectNode chunk, List<ObjectNode> chunks) {
        if (chunk != null) {
            chunks.add(chunk);
        }
    }

    private ObjectNode start(JsonNode message) {
        id = message.path("id");
        model = message.path("model");
        remember(message.path("usage"));
        ObjectNode chunk = chunk();
        choice(chunk).putNull("finish_reason").putObject("delta").put("role", "assistant");
        chunk.set("usage", usage());
        return chunk;
    }

    private @Nullable ObjectNode opened(int index, JsonNode block) {
        String type = block.path("type").asString("");
        if (blocks) {
            ObjectNode copy = block instanceof ObjectNode object ? object.deepCopy() : Json.object();
            JsonNode input = copy.remove("input");
            if (input != null && !input.isEmpty()) {
                copy.put("partial_json", Json.text(input));
            }
            return block(index, copy);
        }
        return switch (type) {
            case "tool_use" -> {
                int call = toolCalls.size();
                toolCalls.put(index, call);
                String input = block.path("input").isEmpty() ? "" : Json.text(block.path("input"));
                if (input.isEmpty()) {
                    unsaid.add(index);
                }
                yield toolCall(
                        call,
                        Json.object().put("type", "function").set("id", block.path("id")),
                        Json.object().put("arguments", input).set("name", block.path("name")));
            }
            case "thinking", "redacted_thinking" -> {
                thoughts.put(index, block instanceof ObjectNode thought ? thought.deepCopy() : Json.object());
                String thinking = block.path("thinking").asString("");
                yield thinking.isEmpty() ? null : delta(Json.object().put("reasoning_content", thinking));
            }
            default -> null; // a text is empty at its start
        };
    }

    private @Nullable ObjectNode grown(int index, JsonNode delta) {
        String type = delta.path("type").asString("");
        if (blocks) {
            ObjectNode block = Json.object();
            for (Map.Entry<String, JsonNode> member : delta.properties()) {
                if (member.getKey().equals("citation")) {
                    block.putArray("citations").add(member.getValue());
                } else if (!member.getKey().equals("type")) {
                    block.set(member.getKey(), member.getValue());
                }
            }
            return block(index, block);
        }
        ObjectNode thought = thoughts.get(index);
        return switch (type) {
            case "text_delta" -> delta(Json.object().set("content", delta.path("text")));
            case "input_json_delta" -> {
                if (!delta.path("partial_json").asString("").isEmpty()) {
                    unsaid.remove(index);
                }
                yield toolCall(
                        toolCalls.getOrDefault(index, 0),
                        Json.object(),
                        Json.object().set("arguments", delta.path("partial_json")));
            }
            case "thinking_delta" -> {
                grow(thought, "thinking", delta);
                yield delta(Json.object().set("reasoning_content", delta.path("thinking")));
            }
            case "signature_delta" -> {
                grow(thought, "signature", delta);
                yield null;
            }
            default -> null; // citations, which OpenAI's shape has no place for
        };
    }

    private static void grow(@Nullable ObjectNode thought, String member, JsonNode delta) {
        if (thought != null) {
            thought.put(
                    member,
                    thought.path(member).asString("") + delta.path(member).asString(""));
        }
    }

    private @Nullable ObjectNode closed(int index) {
        if (unsaid.remove(index)) {
            return toolCall(
                    toolCalls.getOrDefault(index, 0),
                    Json.object(),
                    Json.object().put("arguments", "{}"));
        }
        ObjectNode thought = thoughts.remove(index);
        if (thought == null) {
            return null;
        }
        thought.put("index", index);
        ObjectNode delta = Json.object();
        delta.putArray("thinking_blocks").add(thought);
        return delta(delta);
    }

    private ObjectNode ended(JsonNode how, JsonNode used) {
        remember(used);
        ObjectNode chunk = chunk();
        ObjectNode choice = choice(chunk);
        choice.put("finish_reason", finishReason(how.path("stop_reason").asString("")));
        choice.putObject("delta");
        if (blocks) {
            choice.set("stop_reason", how.path("stop_reason"));
            // also where there is none: it tells an answer of Anthropic's that has no content from one of vLLM's
            choice.set("stop_sequence", how.path("stop_sequence").isString() ? how.path("stop_sequence") : null);
        }
        chunk.set("usage", usage());
        return chunk;
    }

    private static String finishReason(String stopReason) {
        return switch (stopReason) {
            case "max_tokens", "model_context_window_exceeded" -> "length";
            case "tool_use" -> "tool_calls";
            case "refusal" -> "content_filter";
            default -> "stop";
        };
    }

    /** Its numbers are of the whole message each time; one that is not said again stays. */
    private void remember(JsonNode used) {
        for (Map.Entry<String, JsonNode> member : used.properties()) {
            if (!member.getValue().isNull()) {
                usage.set(member.getKey(), member.getValue());
            }
        }
    }

    /** As OpenAI counts: its prompt tokens are all of the input, cached or not. */
    private ObjectNode usage() {
        long read = usage.path("cache_read_input_tokens").asLong(0);
        long written = usage.path("cache_creation_input_tokens").asLong(0);
        long input = usage.path("input_tokens").asLong(0) + read + written;
        long output = usage.path("output_tokens").asLong(0);
        ObjectNode told = Json.object()
                .put("prompt_tokens", input)
                .put("completion_tokens", output)
                .put("total_tokens", input + output);
        told.putObject("prompt_tokens_details").put("cached_tokens", read).put("cache_write_tokens", written);
        long thought = usage.at("/output_tokens_details/thinking_tokens").asLong(0);
        told.putObject("completion_tokens_details").put("reasoning_tokens", thought);
        if (blocks) {
            told.set("anthropic", usage.deepCopy());
        }
        return told;
    }

    private ObjectNode toolCall(int index, ObjectNode call, ObjectNode function) {
        call.put("index", index).set("function", function);
        ObjectNode delta = Json.object();
        delta.putArray("tool_calls").add(call);
        return delta(delta);
    }

    private ObjectNode block(int index, ObjectNode block) {
        ObjectNode delta = Json.object();
        delta.putArray("blocks").add(block.put("index", index));
        return delta(delta);
    }

    private ObjectNode delta(ObjectNode delta) {
        ObjectNode chunk = chunk();
        choice(chunk).putNull("finish_reason").set("delta", delta);
        return chunk;
    }

    private static ObjectNode choice(ObjectNode chunk) {
        return chunk.putArray("choices").addObject().put("index", 0);
    }

    private ObjectNode chunk() {
        ObjectNode chunk = Json.object().put("object", "chat.completion.chunk").put("created", created);
        chunk.set("id", id);
        chunk.set("model", model);
        return chunk;
    }
}
