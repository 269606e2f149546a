package io.agentserver.router;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Map;
import java.util.Set;

/**
 * Counts tokens where the provider does not say: o200k_base, which is exact for OpenAI's newer models and within some ten
 * per cent for others. Safe on any thread.
 */
final class TokenCounter {
    private static final int PER_MESSAGE = 4; // OpenAI's cookbook, "How to count tokens": role and separators
    private static final int PIECE = 10_000;

    /** Those that {@link #PER_MESSAGE} counts; any other is text that a pool's template may show its model. */
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool", "function");

    /** Members that no model reads. All others may be part of its prompt: tools, schemas, what a server adds to OpenAI's. */
    private static final Set<String> NOT_PROMPT = Set.of(
            "messages",
            "model",
            "metadata",
            "user",
            "safety_identifier",
            "prompt_cache_key",
            "stop",
            "logit_bias",
            "stream_options");

    /** Members of a body in Anthropic's shape that no model reads; further within, a model may read each. */
    private static final Set<String> NOT_PROMPT_OF_ANTHROPIC =
            Set.of("model", "max_tokens", "metadata", "stop_sequences", "stream", "temperature");

    /** Longer than any role or type that there is. */
    private static final int WORD = 32;

    /** Names that say how the body is built. */
    private static final Set<String> STRUCTURE = Set.of(
            "messages",
            "content",
            "text",
            "role",
            "type",
            "system",
            "tools",
            "model",
            "max_tokens",
            "stream",
            "source");

    private final Encoding encoding = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.O200K_BASE);
    private final Runnable betweenPieces;

    /** A prompt of megabytes takes seconds, and a virtual thread that counts leaves its core to no other by itself. */
    TokenCounter() {
        this(Thread::yield);
    }

    TokenCounter(Runnable betweenPieces) {
        this.betweenPieces = betweenPieces;
    }

    /**
     * Of what was asked, and of what has been said so far.
     *
     * @param perImage tokens of one image
     */
    Tokens estimate(ChatRequest request, long perImage, String said) {
        return new Tokens(prompt(request, perImage), 0, count(said), true);
    }

    /** Of what is asked. */
    private long prompt(ChatRequest request, long perImage) {
        return texts(request) + perImage * request.images();
    }

    /** Of all that is asked but images: whatever member a text is in. */
    long texts(ChatRequest request) {
        if (request.kind() == ChatRequest.Kind.EMBEDDINGS) {
            return input(request.body().path("input"));
        }
        return request.anthropic()
                .map(brought -> 3 + inAnthropicsShape(brought.body()))
                .orElseGet(() -> chat(request));
    }

    /** Of texts, or of tokens, which are their own number. */
    private long input(JsonNode input) {
        if (input.isString()) {
            return count(input.stringValue());
        }
        long tokens = 0;
        for (JsonNode element : input) {
            tokens += element.isNumber() ? 1 : input(element);
        }
        return tokens;
    }

    /** All texts and names in it but those that no model reads, and but images, which have a price of their own. */
    private long inAnthropicsShape(ObjectNode body) {
        long tokens = 0;
        for (Map.Entry<String, JsonNode> member : body.properties()) {
            String name = member.getKey();
            JsonNode value = member.getValue();
            if (name.equals("messages")) {
                for (JsonNode message : value) {
                    tokens += PER_MESSAGE + members(message, Set.of());
                }
            } else if (name.equals("system")) {
                tokens += blocks(value);
            } else if (!NOT_PROMPT_OF_ANTHROPIC.contains(name)) {
                tokens += name(name) + all(value);
            }
        }
        return tokens;
    }

    /** What stands in a message's, or a tool result's, {@code content}. */
    private long blocks(JsonNode content) {
        if (!content.isArray()) {
            return all(content);
        }
        long tokens = 0;
        for (JsonNode block : content) {
            tokens += switch (block.path("type").asString("")) {
                case "image" -> members(block, Set.of("source"));
                case "thinking" -> members(block, Set.of("signature"));
                case "redacted_thinking" -> members(block, Set.of("data"));
                default -> members(block, Set.of());
            };
        }
        return tokens;
    }

    private long members(JsonNode object, Set<String> unread) {
        if (!object.isObject()) {
            return all(object);
        }
        long tokens = 0;
        for (Map.Entry<String, JsonNode> member : object.properties()) {
            String name = member.getKey();
            JsonNode value = member.getValue();
            if (name.equals("content")) {
                tokens += blocks(value);
            } else if (!unread.contains(name) && !name.equals("cache_control") && !isWord(name, value)) {
                tokens += name(name) + all(value);
            }
        }
        return tokens;
    }

    /** {@code "role": "user"}, {@code "type": "text"}: no text of its own. */
    private static boolean isWord(String name, JsonNode value) {
        return (name.equals("role") || name.equals("type"))
                && value.isString()
                && value.stringValue().length() <= WORD;
    }

    private long name(String name) {
        return STRUCTURE.contains(name) ? 0 : count(name);
    }

    /** Every text and every name, whatever it is for. */
    private long all(JsonNode node) {
        if (node.isString()) {
            return count(node.stringValue());
        }
        long tokens = 0;
        if (node.isObject()) {
            for (Map.Entry<String, JsonNode> member : node.properties()) {
                tokens +=
                        isWord(member.getKey(), member.getValue()) ? 0 : name(member.getKey()) + all(member.getValue());
            }
        } else {
            for (JsonNode element : node) {
                tokens += all(element);
            }
        }
        return tokens;
    }

    private long chat(ChatRequest request) {
        long tokens = 3; // the answer's start
        for (JsonNode message : request.body().path("messages")) {
            tokens += PER_MESSAGE;
            for (Map.Entry<String, JsonNode> member : message.properties()) {
                tokens += switch (member.getKey()) {
                    case "role" -> ROLES.contains(member.getValue().asString("")) ? 0 : countJson(member.getValue());
                    case "content" -> content(member.getValue());
                    default -> countJson(member.getValue());
                };
            }
        }
        for (Map.Entry<String, JsonNode> member : request.body().properties()) {
            tokens += NOT_PROMPT.contains(member.getKey()) ? 0 : countJson(member.getValue());
        }
        return tokens;
    }

    private long content(JsonNode content) {
        if (content.isString()) {
            return count(content.stringValue());
        }
        long tokens = 0;
        for (JsonNode part : content) {
            tokens += count(part.path("text").asString(""))
                    + count(part.path("refusal").asString(""));
        }
        return tokens;
    }

    private long countJson(JsonNode node) {
        return node.isString() ? count(node.stringValue()) : node.isContainer() ? count(Json.text(node)) : 0;
    }

    /** Piece by piece: a megabyte without a space would take the encoding minutes. A cut costs a token at most. */
    long count(String text) {
        long tokens = 0;
        for (int start = 0; start < text.length(); start += PIECE) {
            if (start > 0) {
                betweenPieces.run();
            }
            tokens += encoding.countTokensOrdinary(text.substring(start, Math.min(text.length(), start + PIECE)));
        }
        return tokens;
    }
}
