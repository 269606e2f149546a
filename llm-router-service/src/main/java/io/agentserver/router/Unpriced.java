package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a request must not ask for: things that the price list has no price for, or whose amount nobody could tell before
 * the call, so that the credit which is held would not cover them. Names are those of OpenAI's API description. Pure.
 */
final class Unpriced {
    private static final int MOST_OUTPUT = 1_000_000_000; // tokens of one answer; more than any model gives
    private static final int MOST_ANSWERS = 128; // of one request, as OpenAI takes
    private static final String CACHED_FOR = "30m"; // what cache_write of the price list is for
    private static final Set<String> TIERS = Set.of("auto", "default");
    private static final Set<String> PARTS = Set.of("text", "refusal", "image_url");
    private static final Set<String> TOOLS = Set.of("function", "custom");
    private static final Map<String, String> MEMBERS = members();

    private Unpriced() {}

    /** Why this body cannot be priced; empty if it can. */
    static Optional<Refusal> in(ObjectNode body) {
        for (String cap : new String[] {"max_completion_tokens", "max_tokens"}) {
            if (isOutside(body.path(cap), MOST_OUTPUT)) {
                return refused(cap, "must be a whole number of tokens, 1 to " + MOST_OUTPUT);
            }
        }
        if (isOutside(body.path("n"), MOST_ANSWERS)) {
            return refused("n", "must be a whole number of answers, 1 to " + MOST_ANSWERS);
        }
        JsonNode tier = body.path("service_tier");
        if (!Json.isAbsent(tier) && !TIERS.contains(tier.asString(""))) {
            return refused("service_tier", "must be default or auto: the others have prices of their own");
        }
        JsonNode kept = body.path("prompt_cache_options").path("ttl");
        if (!Json.isAbsent(kept) && !kept.asString("").equals(CACHED_FOR)) {
            return refused(
                    "prompt_cache_options", "must have the ttl " + CACHED_FOR + ": longer has a price of its own");
        }
        for (JsonNode modality : body.path("modalities")) {
            if (!modality.asString("").equals("text")) {
                return refused("modalities", "must be text alone: sound is priced by other tokens");
            }
        }
        for (Map.Entry<String, String> member : MEMBERS.entrySet()) {
            if (!Json.isAbsent(body.path(member.getKey()))) {
                return refused(member.getKey(), "is not taken here: " + member.getValue());
            }
        }
        for (JsonNode tool : body.path("tools")) {
            if (!TOOLS.contains(tool.path("type").asString(""))) {
                return refused("tools", "must each be of the type function or custom: others are priced by the use");
            }
        }
        for (JsonNode message : body.path("messages")) {
            Optional<Refusal> refusal = inMessage(message);
            if (refusal.isPresent()) {
                return refusal;
            }
        }
        return Optional.empty();
    }

    private static Optional<Refusal> inMessage(JsonNode message) {
        if (!Json.isAbsent(message.path("audio"))) {
            return refused("messages", "must be without audio: sound is priced by other tokens");
        }
        JsonNode content = message.path("content");
        if (!Json.isAbsent(content) && !content.isString() && !content.isArray()) {
            return refused("messages", "must each have as content a text or a list of parts");
        }
        for (JsonNode part : content) {
            if (!PARTS.contains(part.path("type").asString(""))) {
                return refused(
                        "messages",
                        "may have parts of the types text, refusal and image_url, not <"
                                + shortened(part.path("type").asString(""))
                                + ">: what others come to cannot be counted before the call");
            }
        }
        return Optional.empty();
    }

    private static boolean isOutside(JsonNode number, int most) {
        return !Json.isAbsent(number)
                && !(number.isIntegralNumber()
                        && number.canConvertToInt()
                        && number.intValue() >= 1
                        && number.intValue() <= most);
    }

    private static String shortened(String text) {
        return text.length() > 40 ? text.substring(0, 40) + "…" : text;
    }

    private static Optional<Refusal> refused(String member, String reason) {
        return Optional.of(Refusal.invalid(member + " " + reason, member));
    }

    private static Map<String, String> members() {
        Map<String, String> members = new LinkedHashMap<>();
        members.put("audio", "sound is priced by other tokens");
        members.put("web_search_options", "searches are priced by the piece");
        members.put("prediction", "what a model does not use of it is paid too, and is under no limit");
        members.put("best_of", "answers that are not given are paid too; write n");
        members.put("n_predict", "write max_tokens"); // llama.cpp prefers it to max_tokens
        return members;
    }
}
