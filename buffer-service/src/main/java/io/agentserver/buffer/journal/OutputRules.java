package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.Output;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;

import java.util.HashSet;
import java.util.Set;

/** What outputs of one step must be, whatever the state. */
final class OutputRules {
    private static final int MOST_OUTPUTS = 32;
    /** Room for what the largest outputs of a handler, 1 MiB together, grow to as envelopes. */
    private static final int MOST_CHARS = 2 * 1024 * 1024;

    private static final int MOST_NOTE_CHARS = 32 * 1024;

    private OutputRules() {}

    /** @throws IllegalArgumentException naming what is wrong */
    static void check(CompleteRequest request) {
        int count = request.getOutputsCount();
        if (count > MOST_OUTPUTS) {
            throw new IllegalArgumentException("outputs: <" + count + "> are more than " + MOST_OUTPUTS);
        }
        if (request.getFailed() && (count != 1 || request.getOutputs(0).getKind() != Kind.RESPOND)) {
            throw new IllegalArgumentException("outputs: a failed turn has one output, the response to the client");
        }
        Set<MessageId> ids = new HashSet<>();
        long chars = 0;
        for (Output output : request.getOutputsList()) {
            if (!ids.add(MessageId.parse(output.getMessage()))) {
                throw new IllegalArgumentException("outputs: message <" + output.getMessage() + "> is there twice");
            }
            ThreadId.parse(output.getThread());
            if (output.getKind() != Kind.FORWARD && count > 1) {
                throw new IllegalArgumentException("outputs: " + output.getKind() + " excludes other outputs");
            }
            chars += output.getEnvelope().length();
        }
        if (chars > MOST_CHARS) {
            throw new IllegalArgumentException("outputs: <" + chars + "> characters are more than " + MOST_CHARS);
        }
    }

    /** A model's talk around its calls is kept for people to read; a journal is no place for a book. */
    static String cut(String note) {
        return note.length() <= MOST_NOTE_CHARS ? note : note.substring(0, MOST_NOTE_CHARS) + "…";
    }
}
