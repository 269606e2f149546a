package io.agentserver.pump.handler;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * One message to handle, and what its handler may know.
 *
 * @param organism the version that the message's turn is bound to
 * @param caller whom a response answers: a listener, or the client at the root
 * @param history what this thread has begun and its own outputs, oldest first, without this message
 * @param time how long the handler may take
 * @param version of that organism
 * @param answerBy until when whom the handler calls may answer later
 * @param longestWait how long the message may sleep from now on
 * @param waitedUntil the time that an earlier run asked for and that has come; null: none did
 */
public record HandlerCall(
        TenantId tenant,
        ThreadId conversation,
        ThreadId thread,
        MessageId turn,
        Envelope message,
        Listener listener,
        Organism organism,
        String caller,
        List<Slot> history,
        Duration time,
        long version,
        Instant answerBy,
        Duration longestWait,
        @Nullable Instant waitedUntil) {
    public HandlerCall {
        history = List.copyOf(history);
    }

    public MessageId id() {
        return message.meta().requiredId();
    }

    /** What the world outside recognises a second run by: UUIDv5 of thread and message, for an id is unique in a thread only. */
    public UUID onceId() {
        return Ids.v5(thread.value(), id().toString());
    }
}
