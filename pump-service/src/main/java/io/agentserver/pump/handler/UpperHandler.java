package io.agentserver.pump.handler;

import java.util.Locale;

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
        return HandlerResult.respond(PayloadFields.answer(call, text -> text.toUpperCase(Locale.ROOT)));
    }
}
