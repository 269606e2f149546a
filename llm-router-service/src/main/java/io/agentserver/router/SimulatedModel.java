package io.agentserver.router;

import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the simulated model says. It knows no organism: it calls each tool that the system message offers in
 * {@code <tools>} once since the last message that is not a tool's answer, with that message's text in the example's text
 * fields; when tools have answered, it says what they said. Pure.
 */
final class SimulatedModel {
    private SimulatedModel() {}

    /** @param messages of a chat completion request */
    static String answer(JsonNode messages) {
        List<ToolOffer> tools = ToolOffer.in(system(messages));
        Set<String> names = tools.stream().map(ToolOffer::name).collect(Collectors.toSet());
        String question = "";
        boolean hasCalled = false;
        List<String> answers = new ArrayList<>();
        for (JsonNode message : messages) {
            String text = Json.contentText(message.path("content"));
            switch (message.path("role").asString("")) {
                case "user", "tool" -> {
                    if (names.contains(message.path("name").asString(""))) {
                        answers.add(textOf(text));
                    } else {
                        question = text;
                        hasCalled = false;
                        answers.clear();
                    }
                }
                case "assistant" -> hasCalled = true;
                default -> {} // system: read above
            }
        }
        if (!answers.isEmpty()) {
            return String.join("\n", answers);
        }
        String asked = textOf(question);
        return tools.isEmpty() || hasCalled ? "simulated: " + asked : calls(tools, asked);
    }

    /** Each tool once, as long as there is room: thousands of them may be offered, and a question be long. */
    private static String calls(List<ToolOffer> tools, String asked) {
        StringBuilder calls = new StringBuilder();
        for (ToolOffer tool : tools) {
            String call = tool.callWith(asked);
            if (!calls.isEmpty() && calls.length() + call.length() > SimulatedBackend.MOST_SAID) {
                break;
            }
            calls.append(calls.isEmpty() ? "" : "\n").append(call);
        }
        return calls.toString();
    }

    private static String system(JsonNode messages) {
        StringBuilder text = new StringBuilder();
        for (JsonNode message : messages) {
            String role = message.path("role").asString("");
            if (role.equals("system") || role.equals("developer")) {
                text.append(Json.contentText(message.path("content"))).append('\n');
            }
        }
        return text.toString();
    }

    /** The text content of a piece of XML, or the text itself if it is none; runs of white space become one space. */
    private static String textOf(String content) {
        Optional<SmallXml> xml = SmallXml.parse(content.strip());
        return String.join(" ", xml.map(SmallXml::text).orElse(content).strip().split("\\s+"));
    }
}
