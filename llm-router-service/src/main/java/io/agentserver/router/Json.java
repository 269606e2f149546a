package io.agentserver.router;

import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** JSON trees: members nobody here knows are kept. */
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final JsonMapper SORTED =
            JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

    /** Values, names and brackets of one body: a tree takes up to a hundred bytes for each, where two were sent. */
    static final long MOST_TOKENS = 1_000_000;

    private static final JsonMapper STRICT = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MOST_TOKENS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /**
     * From a client: with a member twice, two readers could take two different requests out of one.
     *
     * @throws tools.jackson.core.exc.StreamConstraintsException if it has over {@link #MOST_TOKENS} or is nested too deep
     * @throws tools.jackson.core.JacksonException if it is not JSON, or not only that
     */
    static JsonNode readStrictly(byte[] json) {
        return STRICT.readTree(json);
    }

    /** To be closed, which closes the stream. */
    static JsonParser parser(InputStream json) {
        return MAPPER.createParser(json);
    }

    /** @throws tools.jackson.core.JacksonException if it is not JSON */
    static JsonNode read(byte[] json) {
        return MAPPER.readTree(json);
    }

    /** @throws tools.jackson.core.JacksonException if it is not JSON */
    static JsonNode read(String json) {
        return MAPPER.readTree(json);
    }

    static byte[] write(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    static String text(JsonNode node) {
        return MAPPER.writeValueAsString(node);
    }

    /** The same for two spellings (order of members, white space) of the same value. */
    static byte[] normalForm(JsonNode node) {
        return SORTED.writeValueAsString(node).getBytes(StandardCharsets.UTF_8);
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    /** Whether the member is not there, or null. */
    static boolean isAbsent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    /** The text of a message's {@code content}: a string, or the text parts of an array, one a line. */
    static String contentText(JsonNode content) {
        if (content.isString()) {
            return content.stringValue();
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            String piece = part.path("text").asString("");
            if (!piece.isEmpty()) {
                text.append(text.isEmpty() ? "" : "\n").append(piece);
            }
        }
        return text.toString();
    }
}
