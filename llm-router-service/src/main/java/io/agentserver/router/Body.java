package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What every call's body has in common: one JSON object, each member once, that names a model. */
final class Body {
    private static final int LONGEST_MODEL = 256;

    private Body() {}

    sealed interface Reading {
        record Read(ObjectNode body, String model) implements Reading {}

        record Unreadable(Refusal refusal) implements Reading {}
    }

    static Reading read(byte[] json) {
        JsonNode root;
        try {
            root = Json.readStrictly(json);
        } catch (StreamConstraintsException tooMuch) {
            return new Reading.Unreadable(Refusal.of(
                    413,
                    Refusal.Reason.TOO_LARGE,
                    "the body has over " + Json.MOST_TOKENS
                            + " JSON values, or nests them too deep: send a simpler one"));
        } catch (JacksonException malformed) {
            return unreadable("the body is not JSON, each member once: send one object that names a model", null);
        }
        if (!(root instanceof ObjectNode body)) {
            return unreadable("the body is not a JSON object: send one that names a model", null);
        }
        JsonNode model = body.path("model");
        if (!model.isString()
                || model.stringValue().isEmpty()
                || model.stringValue().length() > LONGEST_MODEL
                || !isPlain(model.stringValue())) {
            return unreadable(
                    "model is missing or is no short plain text: name a model or a route, e.g. default", "model");
        }
        return new Reading.Read(body, model.stringValue());
    }

    /** Nothing that moves, hides or breaks what stands around it: the name stands in logs, headers and spans. */
    private static boolean isPlain(String name) {
        return name.codePoints().noneMatch(character -> switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED -> true;
            default -> false;
        });
    }

    private static Reading unreadable(String message, @Nullable String param) {
        return new Reading.Unreadable(Refusal.invalid(message, param));
    }
}
