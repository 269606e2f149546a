package io.agentserver.router;

import com.sun.net.httpserver.HttpExchange;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Providers that do what the last question says, each by its own API, and are as strict as the real ones: {@code weather}: a
 * call of the tool, then what it said; {@code picture}: what pictures they see; {@code think}: thinks aloud first; {@code
 * break}: half an answer; everything else: {@code Fine, thanks.}
 */
final class Scripted {
    private static final Set<String> ANTHROPICS = Set.of(
            "model",
            "messages",
            "max_tokens",
            "system",
            "stream",
            "temperature",
            "top_p",
            "top_k",
            "stop_sequences",
            "metadata",
            "thinking",
            "tools",
            "tool_choice",
            "output_config",
            "cache_control",
            "service_tier",
            "x_new");

    private Scripted() {}

    /** Speaks OpenAI's chat completions and embeddings. */
    static ProviderDouble.Behaviour openAi() {
        return (exchange, self) -> {
            JsonNode body = self.received.getLast().body();
            if (exchange.getRequestURI().getPath().endsWith("/embeddings")) {
                ProviderDouble.respond(exchange, 200, Json.text(embeddings(body)));
                return;
            }
            String wrong = openAiFault(body);
            if (!wrong.isEmpty()) {
                ProviderDouble.respond(exchange, 400, "{\"error\":{\"message\":\"" + wrong + "\"}}");
                return;
            }
            openAiStream(exchange, body);
        };
    }

    /** Speaks Anthropic's messages. */
    static ProviderDouble.Behaviour anthropic() {
        return (exchange, self) -> {
            ProviderDouble.Received received = self.received.getLast();
            String wrong = anthropicFault(received);
            if (!wrong.isEmpty()) {
                ProviderDouble.respond(
                        exchange,
                        400,
                        "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"" + wrong
                                + "\"}}");
                return;
            }
            anthropicStream(exchange, received.body());
        };
    }

    private static String openAiFault(JsonNode body) {
        List<String> open = new ArrayList<>();
        for (JsonNode message : body.path("messages")) {
            String role = message.path("role").asString("");
            if (role.equals("tool") ? !open.remove(message.path("tool_call_id").asString("")) : !open.isEmpty()) {
                return "tool calls must be followed by their answers";
            }
            message.path("tool_calls").forEach(call -> open.add(call.path("id").asString("")));
        }
        return "";
    }

    private static String anthropicFault(ProviderDouble.Received received) {
        JsonNode body = received.body();
        if (!received.header("anthropic-version").equals("2023-06-01")) {
            return "anthropic-version: field required";
        }
        if (!body.path("max_tokens").isInt()) {
            return "max_tokens: Field required";
        }
        for (Map.Entry<String, JsonNode> member : body.properties()) {
            if (!ANTHROPICS.contains(member.getKey())) {
                return member.getKey() + ": Extra inputs are not permitted";
            }
        }
        String last = "";
        Set<String> open = Set.of();
        for (JsonNode message : body.path("messages")) {
            String role = message.path("role").asString("");
            if (!Set.of("user", "assistant").contains(role) || last.isEmpty() && !role.equals("user")) {
                return "messages: unexpected role " + role;
            }
            Set<String> calls = new HashSet<>();
            for (JsonNode block : message.path("content")) {
                switch (block.path("type").asString("")) {
                    case "text" -> {
                        if (block.path("text").asString("").isEmpty()) {
                            return "text content blocks must be non-empty";
                        }
                    }
                    case "tool_use" -> calls.add(block.path("id").asString(""));
                    case "thinking" -> {
                        if (!block.path("signature").asString("").equals("sig-1")) {
                            return "Invalid signature in thinking block";
                        }
                    }
                    default -> {}
                }
            }
            Set<String> unanswered = new HashSet<>(open);
            message.path("content")
                    .forEach(
                            block -> unanswered.remove(block.path("tool_use_id").asString("")));
            if (!unanswered.isEmpty()) {
                return "tool_use ids were found without tool_result blocks immediately after";
            }
            open = calls;
            last = role;
        }
        return "";
    }

    private static void openAiStream(HttpExchange exchange, JsonNode body) throws IOException {
        JsonNode last = body.path("messages").path(body.path("messages").size() - 1);
        String asked = Json.contentText(last.path("content"));
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        boolean breaks = asked.contains("break");
        exchange.sendResponseHeaders(200, breaks ? 1_000_000 : 0);
        List<String> deltas = new ArrayList<>();
        String finish = "stop";
        if (last.path("role").asString("").equals("tool")) {
            deltas.add(said("It is " + asked + "."));
        } else if (asked.contains("weather")) {
            deltas.add("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":"
                    + "{\"name\":\"get_weather\",\"arguments\":\"\"}}]}");
            deltas.add("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]}");
            deltas.add("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"Paris\\\"}\"}}]}");
            finish = "tool_calls";
        } else if (asked.contains("picture")) {
            StringBuilder seen = new StringBuilder("I see");
            last.path("content").forEach(part -> {
                String url = part.at("/image_url/url").asString("");
                seen.append(url.isEmpty() ? "" : " " + url);
            });
            deltas.add(said(seen.toString()));
        } else if (asked.contains("think")) {
            deltas.add("{\"reasoning_content\":\"Hm.\"}");
            deltas.add(said("Thought."));
        } else {
            deltas.add(said("Fine"));
            deltas.add(said(", thanks."));
        }
        for (String delta : deltas) {
            ProviderDouble.send(exchange, ProviderDouble.data(delta, "null"));
            if (breaks) {
                exchange.close();
                return;
            }
        }
        ProviderDouble.send(exchange, ProviderDouble.data("{}", "\"" + finish + "\""));
        ProviderDouble.send(
                exchange,
                "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,"
                        + "\"total_tokens\":120,\"prompt_tokens_details\":{\"cached_tokens\":40},"
                        + "\"completion_tokens_details\":{\"reasoning_tokens\":5}}}\n\n");
        ProviderDouble.send(exchange, "data: [DONE]\n\n");
        exchange.close();
    }

    private static String said(String text) {
        return Json.text(Json.object().put("content", text));
    }

    private static void anthropicStream(HttpExchange exchange, JsonNode body) throws IOException {
        JsonNode last = body.path("messages").path(body.path("messages").size() - 1);
        String asked = Json.contentText(last.path("content"));
        JsonNode result = Json.object();
        for (JsonNode block : last.path("content")) {
            result = block.path("type").asString("").equals("tool_result") ? block : result;
        }
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        boolean breaks = asked.contains("break");
        exchange.sendResponseHeaders(200, breaks ? 1_000_000 : 0);
        event(
                exchange,
                "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
                        + "\"model\":\"c-1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
                        + "{\"input_tokens\":50,\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":40,"
                        + "\"output_tokens\":1,\"service_tier\":\"standard\"}}}");
        event(exchange, "{\"type\":\"ping\"}");
        String reason = "end_turn";
        if (result.has("tool_use_id")) {
            text(exchange, 0, "It is " + Json.contentText(result.path("content")) + ".");
        } else if (asked.contains("weather")) {
            text(exchange, 0, "Let me look.");
            start(exchange, 1, "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"get_weather\",\"input\":{}}");
            delta(exchange, 1, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}");
            delta(exchange, 1, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\":\"}");
            delta(exchange, 1, "{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"Paris\\\"}\"}");
            stop(exchange, 1);
            reason = "tool_use";
        } else if (asked.contains("picture")) {
            StringBuilder seen = new StringBuilder("I see");
            for (JsonNode block : last.path("content")) {
                JsonNode source = block.path("source");
                seen.append(source.has("url") ? " " + source.path("url").asString("") : "");
                seen.append(
                        source.has("data")
                                ? " data:" + source.path("media_type").asString("") + ";base64,"
                                        + source.path("data").asString("")
                                : "");
            }
            text(exchange, 0, seen.toString());
        } else if (asked.contains("think")) {
            start(exchange, 0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
            delta(exchange, 0, "{\"type\":\"thinking_delta\",\"thinking\":\"Hm.\"}");
            delta(exchange, 0, "{\"type\":\"signature_delta\",\"signature\":\"sig-1\"}");
            stop(exchange, 0);
            text(exchange, 1, "Thought.");
        } else if (breaks) {
            start(exchange, 0, "{\"type\":\"text\",\"text\":\"\"}");
            delta(exchange, 0, "{\"type\":\"text_delta\",\"text\":\"Half\"}");
            exchange.close();
            return;
        } else {
            text(exchange, 0, "Fine", ", thanks.");
        }
        event(
                exchange,
                "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason
                        + "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":20,"
                        + "\"output_tokens_details\":{\"thinking_tokens\":5}}}");
        event(exchange, "{\"type\":\"message_stop\"}");
        exchange.close();
    }

    private static void text(HttpExchange exchange, int index, String... words) throws IOException {
        start(exchange, index, "{\"type\":\"text\",\"text\":\"\"}");
        for (String word : words) {
            delta(
                    exchange,
                    index,
                    Json.text(Json.object().put("type", "text_delta").put("text", word)));
        }
        stop(exchange, index);
    }

    private static void start(HttpExchange exchange, int index, String block) throws IOException {
        event(exchange, "{\"type\":\"content_block_start\",\"index\":" + index + ",\"content_block\":" + block + "}");
    }

    private static void delta(HttpExchange exchange, int index, String delta) throws IOException {
        event(exchange, "{\"type\":\"content_block_delta\",\"index\":" + index + ",\"delta\":" + delta + "}");
    }

    private static void stop(HttpExchange exchange, int index) throws IOException {
        event(exchange, "{\"type\":\"content_block_stop\",\"index\":" + index + "}");
    }

    private static void event(HttpExchange exchange, String json) throws IOException {
        String type = Json.read(json).path("type").asString("");
        ProviderDouble.send(exchange, "event: " + type + "\ndata: " + json + "\n\n");
    }

    private static ObjectNode embeddings(JsonNode body) {
        ObjectNode answer = Json.object()
                .put("object", "list")
                .put("model", body.path("model").asString(""));
        ArrayNode data = answer.putArray("data");
        int inputs = body.path("input").isArray() ? body.path("input").size() : 1;
        for (int i = 0; i < inputs; i++) {
            ObjectNode embedding = data.addObject().put("object", "embedding").put("index", i);
            if (body.path("encoding_format").asString("").equals("base64")) {
                ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
                bytes.putFloat(0.5f).putFloat(-0.25f);
                embedding.put("embedding", Base64.getEncoder().encodeToString(bytes.array()));
            } else {
                embedding.putArray("embedding").add(0.5).add(-0.25);
            }
        }
        answer.putObject("usage").put("prompt_tokens", 8).put("total_tokens", 8);
        return answer;
    }
}
