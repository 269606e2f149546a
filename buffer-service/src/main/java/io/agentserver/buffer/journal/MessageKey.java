package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;

/** A message in the mailbox of a thread; uniqueness holds per such pair. */
record MessageKey(ThreadId thread, MessageId message) {

    static MessageKey of(String thread, String message) {
        return new MessageKey(ThreadId.parse(thread), MessageId.parse(message));
    }

    static MessageKey of(Slot slot) {
        return of(slot.getThread(), slot.getMessage());
    }
}
