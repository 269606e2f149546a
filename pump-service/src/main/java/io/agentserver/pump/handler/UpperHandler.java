package io.agentserver.pump.handler;

import io.agentserver.organism.Field;
import io.agentserver.organism.FieldType;
import io.agentserver.organism.PayloadType;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code builtin:upper}: answers with the listener's {@code response} root (the payload's own if none is declared) and in it
 * the fields of the payload that the response has too, text in capitals. Of a response declared by an XSD the fields are
 * not known: it gets all.
 */
final class UpperHandler implements MessageHandler {
    @Override
    public boolean isInstant() {
        return true;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        PayloadType declared = call.listener().response();
        PayloadType type = declared == null ? call.listener().payload() : declared;
        Map<String, List<String>> given = PayloadFields.of(call);
        StringBuilder xml =
                new StringBuilder("<" + type.root() + " xmlns=\"" + XmlText.escape(type.namespace()) + "\">");
        if (type.declaredByFields()) {
            for (Field field : type.fields()) {
                append(xml, field.name(), given.getOrDefault(field.name(), List.of()), field.type());
            }
        } else {
            given.forEach((name, values) -> append(xml, name, values, FieldType.STRING));
        }
        return HandlerResult.respond(xml + "</" + type.root() + ">");
    }

    private static void append(StringBuilder xml, String name, List<String> values, FieldType type) {
        for (String value : values) {
            String text = type == FieldType.STRING ? value.toUpperCase(Locale.ROOT) : value;
            xml.append('<').append(name).append('>');
            xml.append(XmlText.escape(text)).append("</").append(name).append('>');
        }
    }
}
