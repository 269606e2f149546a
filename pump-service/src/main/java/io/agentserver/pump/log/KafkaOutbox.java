package io.agentserver.pump.log;

import io.agentserver.log.Brokers;
import io.agentserver.pump.flow.LogRecord;
import io.agentserver.pump.flow.Outbox;
import io.agentserver.pump.flow.UnavailableException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Kafka as the way out: one idempotent producer, {@code acks=all}, small batches by lanes that send side by side; a topic that
 * cannot be written fills an eighth of its memory at most. Blocks the calling virtual thread until all records are acknowledged,
 * 15 s at most.
 */
public final class KafkaOutbox implements Outbox, AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    /** Of the producer's memory, for all topics; an eighth of it for one. */
    private static final int MEMORY = 32 * 1024 * 1024;

    private final TopicRoom room = new TopicRoom(MEMORY / 8);
    private final KafkaProducer<byte[], byte[]> producer;

    public KafkaOutbox(Brokers brokers) {
        this.producer = brokers.producer(Map.of(
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                MOST_BYTES,
                ProducerConfig.BUFFER_MEMORY_CONFIG,
                (long) MEMORY,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                10_000L,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                5_000,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                12_000,
                ProducerConfig.METADATA_MAX_AGE_CONFIG,
                10_000L));
    }

    @Override
    public void append(List<LogRecord> records) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try (TopicRoom.Taken taken = room.take(records, deadline)) {
            List<Future<?>> sent = new ArrayList<>();
            for (LogRecord each : records) {
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(each.topic(), each.key(), each.value());
                each.headers().forEach((name, bytes) -> record.headers().add(name, bytes));
                sent.add(producer.send(record));
            }
            for (Future<?> one : sent) {
                one.get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RecordTooLargeException tooLarge) {
                throw new TooLarge("the log does not take an output of this size", tooLarge);
            }
            throw new UnavailableException("the log did not acknowledge: " + e.getCause(), e);
        } catch (TimeoutException | KafkaException e) {
            throw new UnavailableException("the log did not acknowledge: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the log", e);
        }
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(3));
    }
}
