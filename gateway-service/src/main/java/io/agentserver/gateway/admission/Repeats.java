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
    private final Cache<Key, byte[]> digests = Caffeine.newBuilder()
            .maximumSize(100_000)
            .expireAfterWrite(Duration.ofMinutes(10))
            .build();

    Repeats(ThreadBuffer buffer) {
        this.buffer = buffer;
    }

    private record Key(TenantId tenant, ThreadId thread, MessageId message) {}

    enum Finding {
        NEW,
        SAME,
        /** The id is another content's. */
        OTHER_CONTENT
    }

    Finding find(TenantId tenant, Envelope envelope) {
        Key key = key(tenant, envelope);
        byte[] known = digests.getIfPresent(key);
        if (known == null) {
            known = journalled(key).map(ByteString::toByteArray).orElse(null);
        }
        if (known == null) {
            return Finding.NEW;
        }
        return Arrays.equals(known, envelope.digest()) ? Finding.SAME : Finding.OTHER_CONTENT;
    }

    /** The log has it. */
    void remember(TenantId tenant, Envelope envelope) {
        digests.put(key(tenant, envelope), envelope.digest());
    }

    private Optional<ByteString> journalled(Key key) {
        try {
            return buffer.slot(key.tenant(), key.thread(), key.message()).map(Slot::getDigest);
        } catch (Unavailable e) {
            LOG.debug("the journal could not be asked for a repeat: {}", e.toString());
            return Optional.empty();
        }
    }

    private static Key key(TenantId tenant, Envelope envelope) {
        return new Key(tenant, envelope.meta().requiredThread(), envelope.meta().requiredId());
    }
}
