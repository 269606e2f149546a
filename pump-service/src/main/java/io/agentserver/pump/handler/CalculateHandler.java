package io.agentserver.pump.handler;

import io.agentserver.organism.FieldType;
import io.agentserver.organism.PayloadType;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;

/**
 * {@code builtin:calculate}: evaluates the text of the payload's first field by {@link Arithmetic}; answers with the
 * response root, the result in its first field, or {@code <result xmlns="">}.
 */
final class CalculateHandler implements MessageHandler {
    private static final String REMEDY =
            "write an expression of numbers and + - * / ^ ( ), " + Arithmetic.LONGEST + " characters at most";

    @Override
    public HandlerResult handle(HandlerCall call) {
        Optional<String> expression =
                PayloadFields.of(call).values().stream().map(List::getFirst).findFirst();
        if (expression.isEmpty()) {
            return HandlerResult.failed(SystemErrors.Code.VALIDATION, "there is no expression; " + REMEDY);
        }
        return switch (Arithmetic.evaluate(expression.get())) {
            case Arithmetic.Value(String text) ->
                HandlerResult.respond(answer(call.listener().response(), text));
            case Arithmetic.Undefined(String reason) ->
                HandlerResult.failed(SystemErrors.Code.VALIDATION, reason + "; " + REMEDY);
        };
    }

    private static String answer(@Nullable PayloadType response, String value) {
        if (response == null) {
            return "<result xmlns=\"\">" + value + "</result>";
        }
        String inner = response.fields().stream()
                .filter(field -> field.type() == FieldType.STRING
                        || field.type() == FieldType.DECIMAL
                        || field.type() == FieldType.INT
                        || field.type() == FieldType.LONG)
                .findFirst()
                .map(field -> "<" + field.name() + ">" + value + "</" + field.name() + ">")
                .orElse(value);
        return "<" + response.root() + " xmlns=\"" + XmlText.escape(response.namespace()) + "\">" + inner + "</"
                + response.root() + ">";
    }
}
