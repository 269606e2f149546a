package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.organism.Listener;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.SystemErrors;

import java.util.ArrayList;
import java.util.List;

/**
 * What {@code core} does for a message whose root several listeners take: a copy to each, then their answers in one
 * {@code <answers>}, in the order in which they came. Pure.
 */
final class Broadcasts {
    private Broadcasts() {}

    static List<HandlerOutput> copies(Step step, List<Listener> takers) {
        return takers.stream()
                .<HandlerOutput>map(taker ->
                        new HandlerOutput.Forward(taker.name(), step.message().payload()))
                .toList();
    }

    /** The step's message is the last answer; the journal has kept the others back in the thread's history. */
    static HandlerOutput answers(Step step) {
        List<String> payloads = new ArrayList<>();
        for (Slot slot : step.begun().getHistoryList()) {
            if (slot.getCause().isEmpty()) {
                payloads.clear(); // an earlier turn's end here
            } else if (slot.getTo().equals(SystemErrors.SENDER)) {
                payloads.add(EnvelopeDocument.readOwn(slot.getEnvelope()).payload());
            }
        }
        payloads.add(step.message().payload());
        return new HandlerOutput.Respond("<answers xmlns=\"\">" + String.join("", payloads) + "</answers>");
    }
}
