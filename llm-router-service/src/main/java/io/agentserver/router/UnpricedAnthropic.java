package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What {@link Unpriced} is for OpenAI's shape, for Anthropic's: what has no price in the list, or could not be counted
 * before the call. Names are those of Anthropic's API. Pure.
 */
final class UnpricedAnthropic {
    private static final int MOST_OUTPUT = 1_000_000_000;
    private static final Set<String> BLOCKS =
            Set.of("text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking");
    private static final Map<String, String> MEMBERS = members();

    /** Those that change nothing in what a token costs. */
    private static final Set<String> BETAS = Set.of(
            "context-management-2025-06-27",
            "extended-cache-ttl-2025-04-11", // the longer time itself is refused
            "fine-grained-tool-streaming-2025-05-14",
            "interleaved-thinking-2025-05-14",
            "output-128k-2025-02-19",
            "prompt-caching-2024-07-31",
            "structured-outputs-2025-11-13",
            "token-efficient-tools-2025-02-19");

    private UnpricedAnthropic() {}

    /** Why this body cannot be priced; empty if it can. */
    static Optional<Refusal> in(ObjectNode body, List<String> betas) {
        for (String beta : betas) {
            if (!BETAS.contains(beta)) {
                return refused("anthropic-beta", "<" + shortened(beta) + "> is not taken: its price is not known");
            }
        }
        JsonNode cap = body.path("max_tokens");
        if (!cap.isIntegralNumber() || !cap.canConvertToInt() || cap.intValue() < 1 || cap.intValue() > MOST_OUTPUT) {
            return refused("max_tokens", "must be a whole number of tokens, 1 to " + MOST_OUTPUT);
        }
        for (Map.Entry<String, String> member : MEMBERS.entrySet()) {
            if (!Json.isAbsent(body.path(member.getKey()))) {
                return refused(member.getKey(), "is not taken here: " + member.getValue());
            }
        }
        JsonNode speed = body.path("speed");
        if (!Json.isAbsent(speed) && !speed.asString("").equals("standard")) {
            return refused("speed", "must be standard: others have prices of their own");
        }
        for (JsonNode tool : body.path("tools")) {
            String type = tool.path("type").asString("custom");
            if (!type.equals("custom")) {
                return refused("tools", "must each be of the type custom: others are priced by the use");
            }
        }
        if (keepsLonger(body)) {
            return refused("cache_control", "may have the ttl 5m alone: longer ones have a price of their own");
        }
        for (JsonNode message : body.path("messages")) {
            Optional<Refusal> refusal = inContent(message.path("content"));
            if (refusal.isPresent()) {
                return refusal;
            }
        }
        return inContent(body.path("system"));
    }

    private static Optional<Refusal> inContent(JsonNode content) {
        if (!Json.isAbsent(content) && !content.isString() && !content.isArray()) {
            return refused("messages", "must each have as content a text or a list of blocks");
        }
        for (JsonNode block : content) {
            String type = block.path("type").asString("");
            if (!BLOCKS.contains(type)) {
                return refused(
                        "messages",
                        "may have blocks of the types text, image, tool_use, tool_result and thinking, not <"
                                + shortened(type) + ">: what others come to cannot be counted before the call");
            }
            if (type.equals("image") && !isImage(block.path("source"))) {
                return refused("messages", "may have images of the source types base64 and url alone");
            }
            Optional<Refusal> within = type.equals("tool_result") ? inContent(block.path("content")) : Optional.empty();
            if (within.isPresent()) {
                return within;
            }
        }
        return Optional.empty();
    }

    private static boolean isImage(JsonNode source) {
        return switch (source.path("type").asString("")) {
            case "base64" ->
                source.path("data").isString() && source.path("media_type").isString();
            case "url" -> source.path("url").isString();
            default -> false;
        };
    }

    private static boolean keepsLonger(JsonNode node) {
        if (node.isObject()) {
            JsonNode ttl = node.path("cache_control").path("ttl");
            if (!Json.isAbsent(ttl) && !ttl.asString("").equals("5m")) {
                return true;
            }
        }
        for (JsonNode child : node) {
            if (child.isContainer() && keepsLonger(child)) {
                return true;
            }
        }
        return false;
    }

    private static String shortened(String text) {
        return text.length() > 40 ? text.substring(0, 40) + "…" : text;
    }

    private static Optional<Refusal> refused(String member, String reason) {
        return Optional.of(Refusal.invalid(member + " " + reason, member));
    }

    private static Map<String, String> members() {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("container", "code that runs is priced by the hour");
        members.put("mcp_servers", "what they answer cannot be counted before the call");
        members.put("inference_geo", "places have prices of their own");
        return members;
    }
}
