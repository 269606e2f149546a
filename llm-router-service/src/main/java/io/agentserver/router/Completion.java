package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts an answer's chunks together into one chat completion, and takes one apart again. Members it does not know are
 * merged like those it knows: texts grow inside a {@code delta} and are replaced elsewhere, as numbers and flags are;
 * objects and lists merge by member and by {@code index}. Used on one thread.
 */
final class Completion {
    /** Texts in a delta that are said once or again and again, instead of growing. */
    private static final Set<String> NAMES = Set.of("id", "type", "role", "name");

    /** Members of a delta that are not said, or are said a second time. */
    private static final Set<String> NOT_SAID = Set.of("signature", "data", "thinking_blocks", "citations");

    private final Map<String, Object> top = new LinkedHashMap<>();

    /** Whether the chunk brings anything of the answer itself, be it its end. */
    static boolean isToken(ObjectNode chunk) {
        if (isEmbeddings(chunk)) {
            return true;
        }
        for (JsonNode choice : chunk.path("choices")) {
            if (!choice.path("finish_reason").asString("").isEmpty()) {
                return true;
            }
            for (Map.Entry<String, JsonNode> member : choice.path("delta").properties()) {
                JsonNode value = member.getValue();
                boolean empty = value.isNull()
                        || value.isString() && value.stringValue().isEmpty()
                        || value.isContainer() && value.isEmpty();
                if (!empty && !member.getKey().equals("role") && !isEmptyBlocks(member.getKey(), value)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Blocks of Anthropic's that have begun and say nothing yet; a call says its tool's name. */
    private static boolean isEmptyBlocks(String name, JsonNode blocks) {
        if (!name.equals("blocks")) {
            return false;
        }
        for (JsonNode block : blocks) {
            for (Map.Entry<String, JsonNode> member : block.properties()) {
                if (!member.getKey().equals("type")
                        && !member.getValue().asString("").isEmpty()
                        && !member.getKey().equals("index")) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean isEmbeddings(JsonNode answer) {
        return !answer.path("data").isEmpty() && !answer.has("choices");
    }

    /** A whole completion as the chunks of a stream: what it says, then how it ended. */
    static List<ObjectNode> toChunks(ObjectNode completion) {
        if (isEmbeddings(completion)) {
            return List.of(completion);
        }
        ObjectNode said = completion.deepCopy();
        said.put("object", "chat.completion.chunk");
        said.remove("agentserver");
        JsonNode usage = said.remove("usage");
        ObjectNode ended = said.deepCopy();
        ArrayNode endings = ended.putArray("choices");
        for (JsonNode node : said.path("choices")) {
            if (node instanceof ObjectNode choice) {
                endings.addObject()
                        .put("index", choice.path("index").asInt(0))
                        .put("finish_reason", choice.path("finish_reason").asString("stop"))
                        .putObject("delta");
                choice.putNull("finish_reason");
                JsonNode message = choice.remove("message");
                choice.set("delta", message == null ? Json.object() : message);
                int index = 0;
                for (JsonNode call : choice.path("delta").path("tool_calls")) {
                    if (call instanceof ObjectNode tool) {
                        tool.put("index", index++);
                    }
                }
            }
        }
        if (usage != null) {
            ended.set("usage", usage);
        }
        return List.of(said, ended);
    }

    void add(ObjectNode chunk) {
        if (isEmbeddings(chunk)) { // all of them at once: there is nothing to merge
            chunk.properties().forEach(member -> top.put(member.getKey(), member.getValue()));
            return;
        }
        merge(top, chunk, false);
    }

    JsonNode usage() {
        return top.get("usage") instanceof JsonNode usage ? usage : Json.object();
    }

    /** Whether that many answers have come to their end; only their usage may follow. */
    boolean isFinished(int answers) {
        if (top.containsKey("data")) {
            return true;
        }
        int finished = 0;
        if (top.get("choices") instanceof List<?> choices) {
            for (Object choice : choices) {
                if (choice instanceof Map<?, ?> members
                        && members.get("finish_reason") instanceof JsonNode reason
                        && !reason.asString("").isEmpty()) {
                    finished++;
                }
            }
        }
        return finished >= answers;
    }

    /** All that the model has said so far, to count it by. */
    String saidText() {
        StringBuilder text = new StringBuilder();
        if (top.get("choices") instanceof List<?> choices) {
            for (Object choice : choices) {
                if (choice instanceof Map<?, ?> members) {
                    appendTexts(members.get("delta"), text);
                }
            }
        }
        return text.toString();
    }

    /** The completion so far. */
    ObjectNode build() {
        ObjectNode completion = Json.object();
        top.forEach((name, value) -> completion.set(name, toJson(value)));
        if (isEmbeddings(completion)) {
            return completion;
        }
        completion.put("object", "chat.completion");
        if (!completion.path("choices").isArray()) {
            completion.putArray("choices");
        }
        for (JsonNode node : completion.path("choices")) {
            if (node instanceof ObjectNode choice) {
                JsonNode delta = choice.remove("delta");
                ObjectNode message = delta instanceof ObjectNode said ? said : Json.object();
                choice.set("message", message);
                finish(choice, message);
            }
        }
        return completion;
    }

    /** Members that a completion must have and a stream may leave out. */
    private static void finish(ObjectNode choice, ObjectNode message) {
        if (!message.has("role")) {
            message.put("role", "assistant");
        }
        if (!message.has("content")) {
            message.putNull("content");
        }
        if (!message.has("refusal")) {
            message.putNull("refusal");
        }
        if (!choice.has("logprobs")) {
            choice.putNull("logprobs");
        }
        for (JsonNode call : message.path("tool_calls")) {
            if (call instanceof ObjectNode tool) {
                tool.remove("index");
            }
        }
    }

    /** @param growing inside a delta */
    private static void merge(Map<String, Object> into, JsonNode object, boolean growing) {
        for (Map.Entry<String, JsonNode> member : object.properties()) {
            String name = member.getKey();
            JsonNode value = member.getValue();
            Object known = into.get(name);
            if (value.isNull()) {
                into.putIfAbsent(name, value);
            } else if (name.equals("usage")) {
                into.put(name, value);
            } else if (value.isString() && growing && !NAMES.contains(name)) {
                StringBuilder text = known instanceof StringBuilder grown ? grown : new StringBuilder();
                into.put(name, text.append(value.stringValue()));
            } else if (value.isObject()) {
                Map<String, Object> members = asMap(known);
                merge(members, value, growing || name.equals("delta"));
                into.put(name, members);
            } else if (value.isArray()) {
                into.put(name, mergeList(known, value, growing));
            } else {
                into.put(name, value);
            }
        }
    }

    private static List<Object> mergeList(@Nullable Object known, JsonNode array, boolean growing) {
        List<Object> list = known instanceof List<?> before ? new ArrayList<>(before) : new ArrayList<>();
        for (JsonNode element : array) {
            if (!element.isObject()) {
                list.add(element);
                continue;
            }
            JsonNode index = element.path("index");
            Map<String, Object> members = index.isInt() ? atIndex(list, index.intValue()) : appended(list);
            merge(members, element, growing);
        }
        return list;
    }

    private static Map<String, Object> atIndex(List<Object> list, int index) {
        for (Object element : list) {
            Map<String, Object> members = asMap(element);
            if (members.get("index") instanceof JsonNode known && known.asInt(-1) == index) {
                return members;
            }
        }
        return appended(list);
    }

    private static Map<String, Object> appended(List<Object> list) {
        Map<String, Object> members = new LinkedHashMap<>();
        list.add(members);
        return members;
    }

    @SuppressWarnings("unchecked") // the only maps in here are those that merge() made
    private static Map<String, Object> asMap(@Nullable Object known) {
        return known instanceof Map<?, ?> map ? (Map<String, Object>) map : new LinkedHashMap<>();
    }

    private static JsonNode toJson(Object value) {
        return switch (value) {
            case StringBuilder text -> Json.object().stringNode(text.toString());
            case Map<?, ?> members -> {
                ObjectNode object = Json.object();
                members.forEach((name, member) -> object.set(String.valueOf(name), toJson(member)));
                yield object;
            }
            case List<?> elements -> {
                ArrayNode array = Json.array();
                elements.forEach(element -> array.add(toJson(element)));
                yield array;
            }
            case JsonNode node -> node;
            default -> throw new IllegalStateException("merged into " + value.getClass());
        };
    }

    private static void appendTexts(@Nullable Object value, StringBuilder out) {
        switch (value) {
            case StringBuilder text -> out.append(text).append(' ');
            case Map<?, ?> members ->
                members.forEach((name, member) -> {
                    if (!NOT_SAID.contains(String.valueOf(name))) {
                        appendTexts(member, out);
                    }
                });
            case List<?> elements -> elements.forEach(element -> appendTexts(element, out));
            case null, default -> {} // numbers, flags and names are not said
        }
    }
}
