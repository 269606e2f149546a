package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.ModelCall;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.pump.handler.Spent;

import java.util.ArrayList;
import java.util.List;

/** Puts messages into the journal's care. Blocks until the journal has them. */
final class Parkings {
    private final ThreadBuffer buffer;
    private final Patience patience;

    Parkings(ThreadBuffer buffer, Patience patience) {
        this.buffer = buffer;
        this.patience = patience;
    }

    /** False: begin again, the message may not sleep any more. */
    boolean isParked(Step step, Parking parking, Hold hold) {
        ParkRequest request = ParkRequest.newBuilder()
                .setTenant(step.tenant().value())
                .setConversation(step.conversation().toString())
                .setThread(step.thread().toString())
                .setMessage(step.id().toString())
                .setParking(parking)
                .build();
        return patience.until(hold, () -> buffer.park(request)).getOutcome() == Outcome.ACCEPTED;
    }

    /** What earlier runs of a message's handler consumed, before it slept. */
    static Spent spentBefore(Step step) {
        List<Spent.ModelCall> calls = new ArrayList<>();
        for (ModelCall call : step.begun().getParking().getCallsList()) {
            calls.add(new Spent.ModelCall(call.getReceipt(), call.getInput(), call.getOutput()));
        }
        return new Spent(calls, "");
    }

    static List<ModelCall> calls(Spent spent) {
        return spent.calls().stream()
                .map(call -> ModelCall.newBuilder()
                        .setReceipt(call.receipt())
                        .setInput(call.inputTokens())
                        .setOutput(call.outputTokens())
                        .build())
                .toList();
    }
}
