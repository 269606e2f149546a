package io.agentserver.gateway.http;

import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;

/** A JSON object from a client: bounded, strict, without members that nobody knows. What is wrong with it is a refusal. */
public final class JsonBody {
    private static final int SMALL = 64 * 1024;
    private static final JsonMapper STRICT = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(100).build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private final ObjectNode object;

    private JsonBody(ObjectNode object) {
        this.object = object;
    }

    /** Of a small request of the API's own. */
    public static JsonBody read(HttpServletRequest request, Set<String> known) throws IOException {
        if (!BoundedBody.mediaType(request).equals("application/json")) {
            throw Problem.of(ProblemType.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json")
                    .refusal();
        }
        return of(BoundedBody.read(request, SMALL), known);
    }

    /** Of a call that takes no members: no body will do as well as {@code {}}, of whatever type. */
    public static void requireEmpty(HttpServletRequest request) throws IOException {
        if (request.getContentLengthLong() <= 0 && request.getHeader("Transfer-Encoding") == null) {
            return; // nothing comes, and nothing waits for memory
        }
        byte[] body = BoundedBody.read(request, SMALL);
        if (body.length > 0) {
            of(body, Set.of());
        }
    }

    public static JsonBody of(byte[] json, Set<String> known) {
        JsonNode node;
        try {
            // from bytes Jackson would take UTF-16 too, and a known name with a byte 0xFF before it for the name
            node = STRICT.readTree(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString());
        } catch (CharacterCodingException
                | JacksonException
                | NumberFormatException
                | ArithmeticException e) { // exponents beyond an int
            throw malformed();
        }
        if (!(node instanceof ObjectNode object)) {
            throw malformed();
        }
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                throw Problem.at(
                                ProblemType.UNKNOWN_FIELD,
                                "/" + shortened(name),
                                "unknown member: " + shortened(name) + "; known: "
                                        + (known.isEmpty()
                                                ? "none"
                                                : String.join(
                                                        ", ",
                                                        known.stream().sorted().toList())))
                        .refusal();
            }
        }
        return new JsonBody(object);
    }

    /** A member's text; empty if it is not there or null. */
    public Optional<String> text(String name) {
        JsonNode value = object.get(name);
        if (value == null || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isString()) {
            throw invalid(name, "must be a string");
        }
        return Optional.of(value.asString());
    }

    public String requiredText(String name) {
        return text(name).orElseThrow(() -> invalid(name, "is missing"));
    }

    /** A member's whole number; empty if it is not there or null. */
    public Optional<Integer> integer(String name, int least, int most) {
        return member(name).map(value -> {
            if (!value.isIntegralNumber()
                    || !value.canConvertToInt()
                    || value.intValue() < least
                    || value.intValue() > most) {
                throw invalid(name, "must be a whole number from " + least + " to " + most);
            }
            return value.intValue();
        });
    }

    /** A member's true or false; empty if it is not there or null. */
    public Optional<Boolean> truth(String name) {
        return member(name).map(value -> {
            if (!value.isBoolean()) {
                throw invalid(name, "must be true or false");
            }
            return value.booleanValue();
        });
    }

    /** A member as it is; empty if it is not there or null. */
    public Optional<JsonNode> member(String name) {
        return Optional.ofNullable(object.get(name)).filter(value -> !value.isNull());
    }

    /** Whether it is there, be it null. */
    public boolean has(String name) {
        return object.has(name);
    }

    public static RuntimeException invalid(String name, String reason) {
        return Problem.at(ProblemType.INVALID_FIELD, "/" + name, name + ": " + reason)
                .refusal();
    }

    /** The whole object as text. */
    @Override
    public String toString() {
        return object.toString();
    }

    private static RuntimeException malformed() {
        return Problem.of(ProblemType.MALFORMED_JSON, "one JSON object is needed, in UTF-8, each member once")
                .refusal();
    }

    private static String shortened(String name) {
        return name.length() <= 64 ? name : name.substring(0, 64) + "…";
    }
}
