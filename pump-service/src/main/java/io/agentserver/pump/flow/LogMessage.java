package io.agentserver.pump.flow;

import org.jspecify.annotations.Nullable;

/**
 * One record as it was taken from the log, nothing of it believed yet.
 *
 * @param appendedAtMs when the log took it, in ms since 1970; 0: not known
 * @param mac the header {@code mac}
 * @param traceparent the header {@code traceparent}
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
        @Nullable String traceparent) {}
