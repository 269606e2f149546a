package io.agentserver.pump.flow;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.Topics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Instant;
import java.util.List;

/**
 * Puts what cannot be handled on {@code dead-letters.{tenant}}, as it was, and says why. Waits until the log has it. What is
 * tried again after a crash may make a second letter with the same message id.
 */
final class DeadLetters {
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetters.class);
    private static final int LONGEST_REASON = 500;

    private final Outbox outbox;
    private final Clock clock;
    private final PumpMetrics metrics;
    private final Patience patience;

    DeadLetters(Outbox outbox, Clock clock, PumpMetrics metrics, Patience patience) {
        this.outbox = outbox;
        this.clock = clock;
        this.metrics = metrics;
        this.patience = patience;
    }

    /**
     * Why a message could not be handled.
     *
     * @param attempts how often it was tried, the first time included
     */
    record Letter(String reason, int attempts, Instant firstFailure) {
        static Letter of(io.agentserver.buffer.v1.Letter kept) {
            return new Letter(kept.getReason(), kept.getAttempts(), Instant.ofEpochMilli(kept.getFirstFailureMs()));
        }

        io.agentserver.buffer.v1.Letter toProto() {
            return io.agentserver.buffer.v1.Letter.newBuilder()
                    .setReason(cut(reason))
                    .setAttempts(attempts)
                    .setFirstFailureMs(firstFailure.toEpochMilli())
                    .build();
        }
    }

    void add(TenantId tenant, LogMessage message, String reason, Hold hold) {
        add(tenant, message, new Letter(reason, 1, clock.instant()), hold);
    }

    void add(TenantId tenant, LogMessage message, Letter why, Hold hold) {
        String reason = why.reason();
        LogRecord letter = LogRecord.of(Topics.deadLetters(tenant), message.key(), message.value())
                .with(RecordHeaders.REASON, cut(reason))
                .with(RecordHeaders.ATTEMPTS, Integer.toString(why.attempts()))
                .with(RecordHeaders.ORIGINAL_TOPIC, message.topic())
                .with(RecordHeaders.ORIGINAL_PARTITION, Integer.toString(message.partition()))
                .with(RecordHeaders.ORIGINAL_OFFSET, Long.toString(message.offset()))
                .with(RecordHeaders.FIRST_FAILURE, why.firstFailure().toString())
                .with(RecordHeaders.LAST_FAILURE, clock.instant().toString());
        // with the MAC that it came with: whoever sends the letter again need not take its word either
        LogRecord vouched = message.mac() == null ? letter : letter.with(RecordHeaders.MAC, message.mac());
        LogRecord whole = message.keyId() == null ? vouched : vouched.with(RecordHeaders.KEY_ID, message.keyId());
        patience.until(hold, () -> {
            append(whole);
            return whole;
        });
        metrics.deadLetter();
        LOG.warn("dead letter from {}-{} at {}: {}", message.topic(), message.partition(), message.offset(), reason);
    }

    private static String cut(String reason) {
        return reason.length() > LONGEST_REASON ? reason.substring(0, LONGEST_REASON) : reason;
    }

    private void append(LogRecord letter) {
        try {
            outbox.append(List.of(letter));
        } catch (Outbox.TooLarge e) {
            LOG.error("topic {} does not take what another topic took: raise its max.message.bytes", letter.topic(), e);
            throw new UnavailableException(String.valueOf(e.getMessage()), e);
        }
    }
}
