package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;

import java.util.Optional;
import java.util.UUID;

/**
 * That what an erasure frees has to be looked after, in the due index. It says all that is needed, for the journal's own commit of
 * it expires: its message is none that was ever sent but a UUID of version 8 (RFC 9562), which holds the time, its thread one in which
 * nobody sends: a client chooses its messages' ids, but says them in the conversation's root thread.
 *
 * @param erasedAtMs of the erasure's commit
 * @param isCommitted false: it is to be, and may never have come
 */
record ErasureEntry(ConversationKey conversation, long erasedAtMs, boolean isCommitted) {
    private static final long MADE = 0x8e50;
    private static final long COMMITTED = 1;
    private static final long KIND = 0xffff;
    private static final long LONGEST_PAUSE_MS = 3_600_000;

    /**
     * The next time to look, in a minute at the earliest: by then no write of another process, as a body whose commit was refused, is
     * on its way. The times are the same in every process, so that of several that come to nothing one is left: each twice as long
     * after the erasure as the one before, in the end an hour later than it; and a part of that more, so that those of one minute part.
     */
    DueEntry dueAfter(long nowMs) {
        UUID id = new UUID(erasedAtMs << 16 | MADE | (isCommitted ? COMMITTED : 0), low(conversation));
        long begunMs = Math.min(erasedAtMs, nowMs); // whoever erased it may have a clock that is ahead
        long afterMs = DueDecision.COMMIT_MS;
        while (begunMs + afterMs + partMs(afterMs) < nowMs + DueDecision.COMMIT_MS) {
            afterMs += Math.min(afterMs, LONGEST_PAUSE_MS);
        }
        return new DueEntry(conversation, thread(conversation), new MessageId(id), begunMs + afterMs + partMs(afterMs));
    }

    /** Up to a quarter of a pause, by the conversation. */
    private long partMs(long afterMs) {
        long hash = Integer.toUnsignedLong(conversation.conversation().hashCode());
        return (Math.min(afterMs, LONGEST_PAUSE_MS) / 4 * hash) >>> Integer.SIZE;
    }

    /** Empty: it is a message's. */
    static Optional<ErasureEntry> of(DueEntry entry) {
        UUID id = entry.message().value();
        long kind = id.getMostSignificantBits() & KIND;
        if (!entry.thread().equals(thread(entry.conversation()))
                || id.getLeastSignificantBits() != low(entry.conversation())
                || (kind & ~COMMITTED) != MADE) {
            return Optional.empty();
        }
        return Optional.of(
                new ErasureEntry(entry.conversation(), id.getMostSignificantBits() >>> 16, (kind & COMMITTED) != 0));
    }

    /** Other threads are named after ids of messages: this name is none. */
    private static ThreadId thread(ConversationKey key) {
        return new ThreadId(Ids.v5(key.conversation().value(), "erasure"));
    }

    /** Under the variant of RFC 9562. */
    private static long low(ConversationKey key) {
        return key.conversation().value().getLeastSignificantBits() >>> 2 | 1L << 63;
    }
}
