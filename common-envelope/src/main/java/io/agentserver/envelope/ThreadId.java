package io.agentserver.envelope;

import java.util.UUID;

/** A thread: one call of one listener. A conversation's id is its root thread's. */
public record ThreadId(UUID value) {

    /** @throws IllegalArgumentException if {@code text} is not a UUID in its canonical, lower- or upper-case text form */
    public static ThreadId parse(String text) {
        return new ThreadId(Ids.parse("thread", text));
    }

    /** The new conversation that a message without a thread opens: UUIDv5(tenant, message id). */
    public static ThreadId ofFirstMessage(TenantId tenant, MessageId message) {
        return new ThreadId(Ids.inTenant(tenant, message.toString()));
    }

    /** The thread that an output opens under this one: UUIDv5 of this thread and the output's id. */
    public ThreadId child(MessageId output) {
        return new ThreadId(Ids.v5(value, output.toString()));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
