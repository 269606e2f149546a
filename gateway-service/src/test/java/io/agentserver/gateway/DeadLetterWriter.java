package io.agentserver.gateway;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;

/** Puts dead letters on a tenant's topic as the pump does. */
final class DeadLetterWriter implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer;

    DeadLetterWriter(LocalStores stores) {
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", stores.kafkaBootstrap()),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    /**
     * @param mac null: none
     * @return the letter's id
     */
    String write(String tenant, byte[] key, byte[] value, byte @Nullable [] mac, String reason, Instant lastFailure) {
        ProducerRecord<byte[], byte[]> letter =
                new ProducerRecord<>(Topics.deadLetters(new TenantId(tenant)), key, value);
        Map.of(
                        RecordHeaders.REASON,
                        reason,
                        RecordHeaders.ATTEMPTS,
                        "3",
                        RecordHeaders.FIRST_FAILURE,
                        lastFailure.minusSeconds(7).toString(),
                        RecordHeaders.ORIGINAL_PARTITION,
                        "2",
                        RecordHeaders.ORIGINAL_OFFSET,
                        "41",
                        RecordHeaders.LAST_FAILURE,
                        lastFailure.toString())
                .forEach((name, text) -> letter.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        if (mac != null) {
            letter.headers().add(RecordHeaders.MAC, mac);
        }
        try {
            RecordMetadata written = producer.send(letter).get();
            return written.partition() + "-" + written.offset();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
