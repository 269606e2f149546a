package io.agentserver.gateway.log;

import io.agentserver.log.Brokers;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;

import java.util.Map;

/** The gateway's connections to Kafka. */
public final class KafkaClients {
    private static final int LARGEST_RECORD = 2 * 1024 * 1024;

    private KafkaClients() {}

    /** For reading by place: in no group, and never waiting for what is not there yet. */
    public static Consumer<byte[], byte[]> consumer(Brokers brokers) {
        return brokers.consumer(Map.of(
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "earliest",
                // a fetch behind the end is held by the broker, and holds up the next one of this consumer
                ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG,
                10,
                ConsumerConfig.FETCH_MAX_BYTES_CONFIG,
                2 * LARGEST_RECORD,
                ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                4_000,
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                5_000));
    }

    /** Gives up on a record after 8 s, so that a client hears of it in time. */
    public static Producer<byte[], byte[]> producer(Brokers brokers) {
        return brokers.producer(Map.of(
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                5_000,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                4_000,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                8_000,
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                LARGEST_RECORD));
    }
}
