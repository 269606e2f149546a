package io.agentserver.gateway.log;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Appends verified envelopes to {@code messages.{tenant}} under their thread, sealed with the platform's MAC, and waits for
 * the acknowledgement on the caller's (virtual) thread. Appending the same message again makes a repeat that the journal
 * recognises by (thread, id).
 */
public final class KafkaMessageLog {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaMessageLog.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Producer<byte[], byte[]> producer;
    private final RecordMac mac;
    private final Supplier<Optional<String>> traceparent;

    /** @param traceparent of the current span (W3C Trace Context) */
    public KafkaMessageLog(Producer<byte[], byte[]> producer, RecordMac mac, Supplier<Optional<String>> traceparent) {
        this.producer = producer;
        this.mac = mac;
        this.traceparent = traceparent;
    }

    public Appended append(TenantId tenant, Envelope envelope) {
        String topic = Topics.messages(tenant);
        byte[] key = envelope.meta().requiredThread().toString().getBytes(StandardCharsets.UTF_8);
        byte[] value = envelope.bytes();
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, value);
        record.headers()
                .add(RecordHeaders.MESSAGE_ID, text(envelope.meta().requiredId().toString()))
                .add(RecordHeaders.MAC, mac.of(topic, key, value));
        traceparent.get().ifPresent(trace -> record.headers().add(RecordHeaders.TRACEPARENT, text(trace)));
        try {
            Future<?> sent = producer.send(record);
            sent.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return new Appended.Acknowledged();
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            LOG.warn("the log did not acknowledge: {}", e.toString());
            if (e instanceof RecordTooLargeException || e.getCause() instanceof RecordTooLargeException) {
                return new Appended.TooLarge();
            }
            return new Appended.Unknown();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Appended.Unknown();
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
