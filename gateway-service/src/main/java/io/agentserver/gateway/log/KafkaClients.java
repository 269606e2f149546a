package io.agentserver.gateway.log;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Opens the gateway's connections to Kafka. */
public final class KafkaClients {
    private static final int LARGEST_RECORD = 2 * 1024 * 1024;

    private KafkaClients() {}

    /**
     * An admin client that has spoken to a broker.
     *
     * @throws ConfigurationException if none answers within 10 s
     */
    public static Admin admin(String bootstrap) {
        Admin admin = null;
        try {
            admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap));
            admin.describeCluster().nodes().get(10, TimeUnit.SECONDS);
            return admin;
        } catch (KafkaException | ExecutionException | TimeoutException e) {
            if (admin != null) {
                admin.close(java.time.Duration.ZERO);
            }
            throw new ConfigurationException(
                    Setting.AGENTSERVER_KAFKA + "=" + bootstrap
                            + " is not reachable: start Kafka there, or name brokers that run",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while connecting to Kafka", e);
        }
    }

    /** For reading by place: in no group, and never waiting for what is not there yet. */
    public static Consumer<byte[], byte[]> consumer(String bootstrap) {
        return new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrap,
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false,
                        ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                        false,
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
                        5_000),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    /** Idempotent, {@code acks=all}, compressed; gives up on a record after 8 s, so that a client hears of it in time. */
    public static Producer<byte[], byte[]> producer(String bootstrap) {
        return new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrap,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                        true,
                        ProducerConfig.COMPRESSION_TYPE_CONFIG,
                        "lz4",
                        ProducerConfig.LINGER_MS_CONFIG,
                        1,
                        ProducerConfig.MAX_BLOCK_MS_CONFIG,
                        5_000,
                        ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                        4_000,
                        ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                        8_000,
                        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                        LARGEST_RECORD),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }
}
