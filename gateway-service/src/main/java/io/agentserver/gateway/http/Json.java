package io.agentserver.gateway.http;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Writes what the gateway answers: maps, lists, texts, numbers, in the order in which they were put together. */
public final class Json {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private Json() {}

    public static byte[] bytes(Object body) {
        return JSON.writeValueAsBytes(body);
    }

    public static String text(Object body) {
        return JSON.writeValueAsString(body);
    }

    /** @throws tools.jackson.core.JacksonException if it is none */
    public static JsonNode read(byte[] json) {
        return JSON.readTree(json);
    }
}
