package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The simulated model with tools that are offered as OpenAI's functions: it calls each of them once for each question, its
 * texts filled from the question and its numbers drawn; when they have answered, it says what they said. Pure.
 */
final class SimulatedTools {
    private SimulatedTools() {}

    /** Its calls, as a message's {@code tool_calls}; empty: it answers by a text. */
    static ArrayNode calls(ObjectNode body, SplittableRandom random) {
        ArrayNode calls = Json.array();
        Room room = new Room();
        JsonNode choice = body.path("tool_choice");
        if (choice.asString("").equals("none")
                || !answers(body.path("messages")).isEmpty()) {
            return calls;
        }
        String only = choice.at("/function/name").asString("");
        String question = question(body.path("messages"));
        for (JsonNode tool : body.path("tools")) {
            JsonNode function = tool.path("function");
            String name = function.path("name").asString("");
            if (room.isLeft()
                    && tool.path("type").asString("").equals("function")
                    && (only.isEmpty() || only.equals(name))) {
                JsonNode arguments = value(function.path("parameters"), question, random, room);
                ObjectNode call = calls.addObject()
                        .put("index", calls.size() - 1)
                        .put("id", "call_" + Long.toHexString(random.nextLong()))
                        .put("type", "function");
                call.putObject("function")
                        .put("name", name)
                        .put("arguments", Json.text(arguments.isObject() ? arguments : Json.object()));
            }
        }
        return calls;
    }

    /** What tools have answered since the last question. */
    static List<String> answers(JsonNode messages) {
        List<String> answers = new ArrayList<>();
        for (JsonNode message : messages) {
            switch (message.path("role").asString("")) {
                case "tool" -> answers.add(Json.contentText(message.path("content")));
                case "user" -> answers.clear();
                default -> {} // neither asks nor answers
            }
        }
        return answers;
    }

    private static String question(JsonNode messages) {
        String question = "";
        for (JsonNode message : messages) {
            if (message.path("role").asString("").equals("user")) {
                question = Json.contentText(message.path("content"));
            }
        }
        return question;
    }

    /** Characters that all arguments of an answer have together: each text of thousands may be the whole question otherwise. */
    private static final class Room {
        private int left = SimulatedBackend.MOST_SAID;

        boolean isLeft() {
            return left > 0;
        }

        String cut(String text) {
            String cut = text.substring(0, Math.max(0, Math.min(text.length(), left)));
            left -= cut.length();
            return cut;
        }

        void take(String name) {
            left -= name.length() + 8; // what stands around it
        }
    }

    /** One that a JSON schema of the common kind takes, as long as there is room. */
    private static JsonNode value(JsonNode schema, String text, SplittableRandom random, Room room) {
        JsonNode choices = schema.path("enum");
        if (!choices.isEmpty()) {
            return choices.path(random.nextInt(choices.size()));
        }
        return switch (schema.path("type").asString("")) {
            case "string" -> Json.array().add(room.cut(text)).path(0);
            case "integer", "number" -> Json.array().add(random.nextInt(100)).path(0);
            case "boolean" -> Json.array().add(random.nextBoolean()).path(0);
            case "array" -> Json.array().add(value(schema.path("items"), text, random, room));
            default -> {
                ObjectNode object = Json.object();
                for (Map.Entry<String, JsonNode> property :
                        schema.path("properties").properties()) {
                    room.take(property.getKey());
                    if (room.isLeft()) {
                        object.set(property.getKey(), value(property.getValue(), text, random, room));
                    }
                }
                yield object;
            }
        };
    }
}
