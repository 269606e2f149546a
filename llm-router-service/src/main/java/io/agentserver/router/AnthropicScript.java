package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Anthropic's events: {@code message_start}, each block with its start, deltas and stop, {@code message_delta} with how it
 * ended, the usage and {@code agentserver}, {@code message_stop}; a {@code ping} while the model is silent. Of one answer.
 */
final class AnthropicScript implements EventStream.Script {
    private static final int NONE = -1;

    private final boolean thinking;
    private final String requestId;
    private final Map<String, Integer> written = new HashMap<>(); // the source's name for a block → its index here
    private boolean started;
    private int open = NONE;

    /** @param thinking whether the client asked for thinking and so knows what to do with it */
    AnthropicScript(boolean thinking, String requestId) {
        this.thinking = thinking;
        this.requestId = requestId;
    }

    @Override
    public void chunk(ObjectNode chunk, EventStream to) throws IOException {
        start(chunk, to);
        JsonNode delta = chunk.path("choices").path(0).path("delta");
        for (JsonNode block : delta.path("blocks")) {
            block(block, to);
        }
        String thought =
                delta.path("reasoning_content").asString(delta.path("reasoning").asString(""));
        if (thinking && !thought.isEmpty()) {
            int index = open("thinking", emptyThought(), to);
            grow(index, "thinking_delta", "thinking", thought, to);
        }
        String text = Json.contentText(delta.path("content"));
        text = text.isEmpty() ? delta.path("refusal").asString("") : text;
        if (!text.isEmpty()) {
            int index = open("text", emptyText(), to);
            grow(index, "text_delta", "text", text, to);
        }
        for (JsonNode call : delta.path("tool_calls")) {
            toolCall(call, to);
        }
    }

    @Override
    public void quiet(EventStream to) throws IOException {
        to.event("ping", Json.object().put("type", "ping"));
    }

    @Override
    public void end(ObjectNode completion, EventStream to) throws IOException {
        start(completion, to);
        close(to);
        ObjectNode event = Json.object().put("type", "message_delta");
        AnthropicMessage.end(completion.path("choices").path(0), event.putObject("delta"));
        event.set("usage", AnthropicMessage.usage(completion.path("usage")));
        event.set("agentserver", completion.path("agentserver"));
        to.event("message_delta", event);
        to.event("message_stop", Json.object().put("type", "message_stop"));
    }

    @Override
    public void broken(Refusal refusal, EventStream to) throws IOException {
        to.event("error", AnthropicErrors.body(refusal, requestId));
    }

    private void start(ObjectNode chunk, EventStream to) throws IOException {
        if (started) {
            return;
        }
        started = true;
        ObjectNode message = AnthropicMessage.head(chunk);
        message.putArray("content");
        message.putNull("stop_reason").putNull("stop_sequence");
        message.set("usage", AnthropicMessage.usage(chunk.path("usage")));
        ObjectNode event = Json.object().put("type", "message_start");
        event.set("message", message);
        to.event("message_start", event);
    }

    /** One of Anthropic's own, from its start on, or what has come to it. */
    private void block(JsonNode block, EventStream to) throws IOException {
        String name = "block " + block.path("index").asInt(0);
        if (!written.containsKey(name)) {
            ObjectNode empty = block instanceof ObjectNode object ? object.deepCopy() : Json.object();
            empty.remove("index");
            empty.remove("partial_json");
            switch (block.path("type").asString("")) {
                case "text" -> empty.put("text", "").remove("citations");
                case "thinking" -> empty.put("thinking", "").put("signature", "");
                case "tool_use" -> empty.putObject("input");
                default -> {} // has all from the start
            }
            open(name, empty, to);
        }
        int index = written.getOrDefault(name, NONE);
        grow(index, "text_delta", "text", block.path("text").asString(""), to);
        grow(index, "thinking_delta", "thinking", block.path("thinking").asString(""), to);
        grow(index, "signature_delta", "signature", block.path("signature").asString(""), to);
        grow(
                index,
                "input_json_delta",
                "partial_json",
                block.path("partial_json").asString(""),
                to);
        for (JsonNode citation : block.path("citations")) {
            ObjectNode delta = Json.object().put("type", "citations_delta").set("citation", citation);
            delta(index, delta, to);
        }
    }

    private void toolCall(JsonNode call, EventStream to) throws IOException {
        String name = "call " + call.path("index").asInt(0);
        if (!written.containsKey(name)) {
            ObjectNode empty = Json.object().put("type", "tool_use");
            empty.set("id", call.path("id"));
            empty.set("name", call.at("/function/name"));
            empty.putObject("input");
            open(name, empty, to);
        }
        String arguments = call.at("/function/arguments").asString("");
        grow(written.getOrDefault(name, NONE), "input_json_delta", "partial_json", arguments, to);
    }

    /** The index of the block of that name: texts and thoughts go on in the open one, or in a new one behind another. */
    private int open(String name, ObjectNode empty, EventStream to) throws IOException {
        Integer known = written.get(name);
        if (known != null && known == open) {
            return known;
        }
        close(to);
        int index = written.values().stream().mapToInt(Integer::intValue).max().orElse(NONE) + 1;
        written.put(name, index);
        open = index;
        ObjectNode event = Json.object().put("type", "content_block_start").put("index", index);
        event.set("content_block", empty);
        to.event("content_block_start", event);
        return index;
    }

    private void close(EventStream to) throws IOException {
        if (open != NONE) {
            to.event(
                    "content_block_stop",
                    Json.object().put("type", "content_block_stop").put("index", open));
            open = NONE;
        }
    }

    private static void grow(int index, String type, String member, String text, EventStream to) throws IOException {
        if (!text.isEmpty()) {
            delta(index, Json.object().put("type", type).put(member, text), to);
        }
    }

    private static void delta(int index, ObjectNode delta, EventStream to) throws IOException {
        ObjectNode event = Json.object().put("type", "content_block_delta").put("index", index);
        event.set("delta", delta);
        to.event("content_block_delta", event);
    }

    private static ObjectNode emptyText() {
        return Json.object().put("type", "text").put("text", "");
    }

    private static ObjectNode emptyThought() {
        return Json.object().put("type", "thinking").put("thinking", "").put("signature", "");
    }
}
