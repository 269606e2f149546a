package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.pump.flow.DeadLetters.Letter;
import io.agentserver.pump.handler.Spent;
import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * What a handled message gives the journal.
 *
 * @param failed the turn has failed
 * @param letter the message becomes a dead letter, once the journal has this; null: it does not
 */
record Completion(
        List<StampedOutput> outputs,
        Spent spent,
        boolean failed,
        @Nullable Letter letter) implements Handled {
    Completion {
        outputs = List.copyOf(outputs);
    }

    Completion(List<StampedOutput> outputs, Spent spent, boolean failed) {
        this(outputs, spent, failed, null);
    }

    Completion with(Letter why) {
        return new Completion(outputs, spent, failed, why);
    }

    /** @param trace of this handling, W3C's traceparent; empty: not traced */
    CompleteRequest toProto(Step step, String trace) {
        CompleteRequest.Builder request = CompleteRequest.newBuilder()
                .setTenant(step.tenant().value())
                .setConversation(step.conversation().toString())
                .setThread(step.thread().toString())
                .setMessage(step.id().toString())
                .addAllOutputs(outputs.stream().map(StampedOutput::toProto).toList())
                .setTokens(Tokens.newBuilder().setInput(spent.inputTokens()).setOutput(spent.outputTokens()))
                .addAllReceipts(spent.receipts())
                .setNote(spent.note())
                .setFailed(failed)
                .setSawAnswer(step.begun().hasAnswer())
                .setTrace(trace);
        if (letter != null) {
            request.setLetter(letter.toProto());
        }
        return request.build();
    }
}
