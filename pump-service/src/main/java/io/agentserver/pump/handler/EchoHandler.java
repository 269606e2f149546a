package io.agentserver.pump.handler;

/** {@code builtin:echo}: answers with the payload it got. */
final class EchoHandler implements MessageHandler {
    @Override
    public boolean isInstant() {
        return true;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        return HandlerResult.respond(call.message().payload());
    }
}
