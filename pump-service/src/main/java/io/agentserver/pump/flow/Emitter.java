package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Emission;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import io.agentserver.pump.trace.Tracing;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts on the log what the journal says belongs there: outputs are signed here, a client's message goes as it was signed at
 * admission. Blocks until the log has all; doing it again makes repeats that the journal recognises by their ids.
 */
final class Emitter {
    private static final Logger LOG = LoggerFactory.getLogger(Emitter.class);

    private final Outbox outbox;
    private final RecordMac mac;
    private final EnvelopeToken tokens;
    private final SigningKey key;
    private final Tracing tracing;
    private final Patience patience;

    Emitter(Outbox outbox, RecordMac mac, EnvelopeToken tokens, SigningKey key, Tracing tracing, Patience patience) {
        this.outbox = outbox;
        this.mac = mac;
        this.tokens = tokens;
        this.key = key;
        this.tracing = tracing;
        this.patience = patience;
    }

    /** @param known envelopes that were made a moment ago and need not be read again */
    void emit(TenantId tenant, List<Emission> emissions, List<StampedOutput> known, Hold hold) {
        if (emissions.isEmpty()) {
            return;
        }
        List<LogRecord> records = new ArrayList<>();
        for (Emission emission : emissions) {
            records.add(record(tenant, emission, known));
        }
        patience.until(hold, () -> {
            append(records);
            return records;
        });
    }

    /** The journal has them, so they cannot be given up: a limit set below {@link Outbox#MOST_BYTES} must be raised. */
    private void append(List<LogRecord> records) {
        try {
            outbox.append(records);
        } catch (Outbox.TooLarge e) {
            LOG.error(
                    "topic {} does not take what it must: set its max.message.bytes to {} or more",
                    records.getFirst().topic(),
                    Outbox.MOST_BYTES,
                    e);
            throw new UnavailableException(String.valueOf(e.getMessage()), e);
        }
    }

    private LogRecord record(TenantId tenant, Emission emission, List<StampedOutput> known) {
        String xml = emission.getClient()
                ? emission.getEnvelope()
                : tokens.signOutput(envelope(emission, known), tenant, key, emission.getOrganismVersion())
                        .xml();
        String topic = Topics.messages(tenant);
        byte[] thread = emission.getThread().getBytes(StandardCharsets.UTF_8);
        byte[] value = xml.getBytes(StandardCharsets.UTF_8);
        LogRecord[] record = {
            LogRecord.of(topic, thread, value)
                    .with(RecordHeaders.MESSAGE_ID, emission.getMessage())
                    .with(RecordHeaders.MAC, mac.of(topic, thread, value))
        };
        if (emission.getTrace().isEmpty()) {
            tracing.inject((name, text) -> record[0] = record[0].with(name, text));
        } else {
            record[0] = record[0].with(RecordHeaders.TRACEPARENT, emission.getTrace()); // its own, whoever brings it
        }
        return record[0];
    }

    private static Envelope envelope(Emission emission, List<StampedOutput> known) {
        for (StampedOutput output : known) {
            if (output.envelope().xml().equals(emission.getEnvelope())) {
                return output.envelope();
            }
        }
        return EnvelopeDocument.readOwn(emission.getEnvelope());
    }
}
