package io.agentserver.pump.handler;

import io.agentserver.organism.Listener;
import io.agentserver.organism.ServiceAnswer;
import io.agentserver.pump.handler.SystemErrors.Code;

/** What comes of a service's answer, whether it came at once or later. */
public final class ServiceOutputs {
    private ServiceOutputs() {}

    public static HandlerResult of(byte[] body, Listener listener) {
        return switch (ServiceAnswer.read(body, listener)) {
            case ServiceAnswer.Fit fit ->
                new HandlerResult.Done(
                        fit.outputs().stream().map(ServiceOutputs::output).toList(), Spent.NOTHING);
            case ServiceAnswer.Unfit(String reason, boolean _) ->
                HandlerResult.failed(Code.VALIDATION, "the handler's answer is not fit: " + reason);
        };
    }

    private static HandlerOutput output(ServiceAnswer.Output output) {
        return switch (output.kind()) {
            case FORWARD -> new HandlerOutput.Forward(output.to(), output.payload());
            case HAND_OVER -> new HandlerOutput.HandOver(output.to(), output.payload());
            case RESPOND -> new HandlerOutput.Respond(output.payload());
        };
    }
}
