package io.agentserver.buffer.store;

import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;

import java.util.Locale;

/**
 * That a message has to be looked at when its time has come. One message may have several, of different times.
 *
 * @param dueMs milliseconds since 1970
 */
public record DueEntry(ConversationKey conversation, ThreadId thread, MessageId message, long dueMs) {
    /** Of the time, with which a key begins. */
    public static final int DIGITS = 13;

    private static final int PARTS = 5;

    public DueEntry {
        if (dueMs < 0 || dueMs > 9_999_999_999_999L) {
            throw new IllegalArgumentException("due: <" + dueMs + "> is not between 1970 and 2286");
        }
    }

    /** By which stores, leases and indexes divide them. */
    public int shard() {
        return ShardKey.of(conversation.conversation(), ShardKey.SHARDS);
    }

    /** Unique, and in the order of time: {@code <due, 13 digits>#<tenant>#<conversation>#<thread>#<message>}. */
    public String key() {
        return String.format(Locale.ROOT, "%013d#%s#%s#%s", dueMs, conversation, thread, message);
    }

    /**
     * The inverse of {@link #key}.
     *
     * @throws IllegalArgumentException for any other text
     */
    public static DueEntry parse(String key) {
        String[] parts = key.split("#", -1);
        if (parts.length != PARTS) {
            throw new IllegalArgumentException("due entry: <" + key + "> has not " + PARTS + " parts");
        }
        return new DueEntry(
                ConversationKey.parse(parts[1] + "#" + parts[2]),
                ThreadId.parse(parts[3]),
                MessageId.parse(parts[4]),
                Long.parseLong(parts[0]));
    }
}
