package io.agentserver.envelope;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/**
 * What an envelope's {@code <meta>} says, of the elements that the platform knows.
 *
 * @param to null: the payload's root element routes
 * @param thread null only in a client's unsigned envelope, before admission has filled it in
 * @param id as {@code thread}
 * @param conversation with {@code turn} and {@code cause} only in the platform's own messages
 */
public record Meta(
        String from,
        @Nullable String to,
        @Nullable ThreadId thread,
        @Nullable MessageId id,
        @Nullable String jwt,
        @Nullable ThreadId conversation,
        @Nullable MessageId turn,
        @Nullable MessageId cause) {

    public Meta {
        requireName("from", from);
        if (to != null) {
            requireName("to", to);
        }
    }

    /** What the platform stamps on an output. */
    public static Meta ofOutput(
            String from,
            String to,
            ThreadId thread,
            MessageId id,
            ThreadId conversation,
            MessageId turn,
            MessageId cause) {
        return new Meta(from, to, thread, id, null, conversation, turn, cause);
    }

    Meta withJwt(String token) {
        return new Meta(from, to, thread, id, token, conversation, turn, cause);
    }

    /** Whether a client, not the platform, must have made it: nothing in it claims to be from inside. */
    public boolean isClients() {
        return conversation == null && turn == null && cause == null;
    }

    /** @throws IllegalStateException if the envelope has no thread yet */
    public ThreadId requiredThread() {
        if (thread == null) {
            throw new IllegalStateException("this envelope has no <thread> yet");
        }
        return thread;
    }

    /** @throws IllegalStateException if the envelope has no id yet */
    public MessageId requiredId() {
        if (id == null) {
            throw new IllegalStateException("this envelope has no <id> yet");
        }
        return id;
    }

    /** The conversation: a client's message names its root thread. */
    public ThreadId conversationOrThread() {
        return conversation == null ? requiredThread() : conversation;
    }

    /** The turn: a client's message is its own. */
    public MessageId turnOrId() {
        return turn == null ? requiredId() : turn;
    }

    /** The cause's UUID, if it has one. */
    public @Nullable UUID causeValue() {
        return cause == null ? null : cause.value();
    }

    private static void requireName(String what, String name) {
        if (!EnvelopeNames.isName(name)) {
            throw new IllegalArgumentException(what + ": <" + name + "> is not a name [A-Za-z][A-Za-z0-9._-]{0,127}");
        }
    }
}
