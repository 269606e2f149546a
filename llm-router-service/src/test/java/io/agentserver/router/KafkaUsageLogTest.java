package io.agentserver.router;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** A real broker that goes away and comes back. */
class KafkaUsageLogTest {
    @TempDir
    private Path directory;

    @Test
    void closes_while_the_broker_is_away_and_delivers_what_was_under_way_when_it_is_back() {
        LocalKafka broker = LocalKafka.start(directory, 0);
        int port = broker.port();
        KafkaUsageTopic.ensure(Brokers.plain(broker.bootstrap()), 1, Duration.ofSeconds(10));
        KafkaUsageTopic.ensure(Brokers.plain(broker.bootstrap()), 1, Duration.ofSeconds(10)); // there already
        KafkaUsageLog log = new KafkaUsageLog(Brokers.plain(broker.bootstrap()), Duration.ofSeconds(2));
        try {
            UsageRecord before = record();
            log.append(before);
            assertThat(log.isOpen()).isTrue();
            assertThat(log.waiting()).isZero();
            broker.close();
            UsageRecord during = record();
            log.append(during);
            assertThat(log.isOpen()).isFalse();
            assertThat(log.waiting()).isEqualTo(1);
            broker = LocalKafka.start(directory, port);
            Awaitility.await().atMost(Duration.ofSeconds(40)).until(log::isOpen);
            assertThat(log.waiting()).isZero();
            assertThat(read(broker.bootstrap())).containsExactlyInAnyOrder(before.receipt(), during.receipt());
        } finally {
            log.close();
            broker.close();
        }
    }

    private static UsageRecord record() {
        return new UsageRecord(
                UUID.randomUUID(),
                "acme",
                null,
                null,
                null,
                null,
                "default",
                "p",
                "m",
                1,
                0,
                1,
                false,
                false,
                false,
                1,
                1,
                Instant.EPOCH);
    }

    private static List<UUID> read(String bootstrap) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(Topics.USAGE).stream()
                    .map(p -> new TopicPartition(p.topic(), p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            List<UUID> receipts = new ArrayList<>();
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(200))
                        .forEach(record ->
                                receipts.add(UsageRecord.ofJson(record.value()).receipt()));
            }
            return receipts;
        }
    }
}
