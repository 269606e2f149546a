package io.agentserver.gateway.admission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.threads.ThreadBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * Recognises a message that was admitted before: by what this pod remembers of the last minutes, else by the journal. It may
 * fail to recognise one (the log has it and the journal not yet, on another pod; the journal is away); then the message is
 * appended again, and the journal recognises it.
 */
final class Repeats {
    private static final Logger LOG = LoggerFactory.getLogger(Repeats.class);

    private final ThreadBuffer buffer;
    private final Cache<Key, Known> known = Caffeine.newBuilder()
            .maximumSize(100_000)
            .expireAfterWrite(Duration.ofMinutes(10))
            .build();

    private final Cache<Named, ThreadId> threads = Caffeine.newBuilder()
            .maximumSize(100_000)
            .expireAfterWrite(Duration.ofMinutes(10))
            .build();

    Repeats(ThreadBuffer buffer) {
        this.buffer = buffer;
    }

    private record Key(TenantId tenant, ThreadId thread, MessageId message) {}

    /**
     * What this pod knows of an id.
     *
     * @param onLog false: it is on its way there, and nobody knows yet whether it arrived
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by Arrays.equals, never changed
    private record Known(byte[] digest, boolean onLog) {
        boolean is(Mark mark) {
            return Arrays.equals(digest, mark.digest());
        }
    }

    private record Named(TenantId tenant, MessageId message) {}

    /** What a message is known by; its digest is worked out once for all that is asked here about it. */
    @SuppressWarnings("ArrayRecordComponent") // compared by Arrays.equals, never changed
    record Mark(TenantId tenant, ThreadId thread, MessageId message, byte[] digest) {
        static Mark of(TenantId tenant, Envelope envelope) {
            return new Mark(
                    tenant, envelope.meta().requiredThread(), envelope.meta().requiredId(), envelope.digest());
        }

        private Key key() {
            return new Key(tenant, thread, message);
        }
    }

    enum Finding {
        NEW,
        SAME,
        /** The id is another content's. */
        OTHER_CONTENT
    }

    Finding find(Mark mark) {
        Key key = mark.key();
        Known ours = known.getIfPresent(key);
        if (ours != null && ours.is(mark)) {
            return ours.onLog() ? Finding.SAME : Finding.NEW;
        }
        // also where we know another: of two that came at once on two pods, the journal says which one stands
        Optional<ByteString> journalled = journalled(key);
        if (journalled.isPresent()) {
            return Arrays.equals(journalled.get().toByteArray(), mark.digest()) ? Finding.SAME : Finding.OTHER_CONTENT;
        }
        return ours == null ? Finding.NEW : Finding.OTHER_CONTENT;
    }

    /** It is about to go on the log. False if another content of this id is, or was: of several at once one gets there. */
    boolean reserve(Mark mark) {
        Known before = known.asMap().putIfAbsent(mark.key(), new Known(mark.digest(), false));
        return before == null || before.is(mark);
    }

    /** The log did not take it, for certain. */
    void release(Mark mark) {
        known.asMap().computeIfPresent(mark.key(), (key, ours) -> ours.onLog() || !ours.is(mark) ? ours : null);
    }

    /**
     * Whether a message whose id is its {@code Idempotency-Key}'s was admitted in another thread, as far as it can be known:
     * by this pod in the last minutes, or in the conversation that the key alone would open. Two such messages are two to the
     * journal, which knows an id by its thread.
     */
    boolean isElsewhere(TenantId tenant, ThreadId thread, MessageId message) {
        ThreadId admitted = threads.getIfPresent(new Named(tenant, message));
        if (admitted != null) {
            return !admitted.equals(thread);
        }
        ThreadId own = ThreadId.ofFirstMessage(tenant, message);
        return !own.equals(thread) && journalled(new Key(tenant, own, message)).isPresent();
    }

    /** The log has it. */
    void remember(Mark mark) {
        known.put(mark.key(), new Known(mark.digest(), true));
        threads.asMap().putIfAbsent(new Named(mark.tenant(), mark.message()), mark.thread());
    }

    private Optional<ByteString> journalled(Key key) {
        try {
            return buffer.slot(key.tenant(), key.thread(), key.message()).map(Slot::getDigest);
        } catch (Unavailable e) {
            LOG.debug("the journal could not be asked for a repeat: {}", e.toString());
            return Optional.empty();
        }
    }
}
