package io.agentserver.pump.flow;

import org.jspecify.annotations.Nullable;

/**
 * One record as it was taken from the log, nothing of it believed yet.
 *
 * @param appendedAtMs when the log took it, in ms since 1970; 0: not known
 * @param mac the header {@code mac}
 * @param traceparent the header {@code traceparent}
 * @param keyId the header {@code key-id}: the value is sealed with that data key of the tenant; null: it is plain
 */
@SuppressWarnings("ArrayRecordComponent") // as the log has it; never compared, never changed
public record LogMessage(
        String topic,
        int partition,
        long offset,
        long appendedAtMs,
        byte[] key,
        byte[] value,
        byte @Nullable [] mac,
        @Nullable String traceparent,
        @Nullable String keyId) {
    /** A plain one. */
    public LogMessage(
            String topic,
            int partition,
            long offset,
            long appendedAtMs,
            byte[] key,
            byte[] value,
            byte @Nullable [] mac,
            @Nullable String traceparent) {
        this(topic, partition, offset, appendedAtMs, key, value, mac, traceparent, null);
    }
}
