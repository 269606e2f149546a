package io.agentserver.pump.log;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;

/** The purge with a real broker. */
class LogPurgeTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final Duration KEEP = Duration.ofHours(24);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path directory;

    @SuppressWarnings("NullAway.Init")
    static LocalKafka kafka;

    @SuppressWarnings("NullAway.Init")
    static Admin admin;

    @BeforeAll
    static void startBroker() {
        kafka = LocalKafka.start(directory, 0);
        admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()));
    }

    @AfterAll
    static void stopBroker() {
        admin.close();
        kafka.close();
    }

    @Test
    void keeps_what_is_unfinished_however_old() throws Exception {
        TopicPartition partition = topic("messages.unfinished", 30, 29, 28, 27);
        commit(partition, 2);
        assertThat(purge(Set.of(partition))).containsExactly(Map.entry(partition, 2L));
        assertThat(earliest(partition)).isEqualTo(2);
        assertThat(purge(Set.of(partition))).as("nothing is left to do").isEmpty();
    }

    @Test
    void keeps_what_is_younger_than_a_day_however_finished() throws Exception {
        TopicPartition partition = topic("messages.young", 30, 25, 23, 1);
        commit(partition, 4);
        assertThat(purge(Set.of(partition))).containsExactly(Map.entry(partition, 2L));
        assertThat(earliest(partition)).isEqualTo(2);
    }

    @Test
    void frees_a_partition_whose_records_are_all_old_and_finished() throws Exception {
        TopicPartition partition = topic("messages.all", 50, 49, 48);
        commit(partition, 3);
        assertThat(purge(Set.of(partition))).containsExactly(Map.entry(partition, 3L));
    }

    @Test
    void leaves_partitions_alone_that_others_hold_or_that_nobody_has_committed() throws Exception {
        TopicPartition others = topic("messages.others", 50, 49);
        commit(others, 2);
        TopicPartition fresh = topic("messages.fresh", 50, 49);
        assertThat(purge(Set.of(fresh))).isEmpty();
        assertThat(earliest(others)).isZero();
        assertThat(earliest(fresh)).isZero();
    }

    private static Map<TopicPartition, Long> purge(Set<TopicPartition> held) throws Exception {
        try (LogPurge purge =
                new LogPurge(Brokers.plain(kafka.bootstrap()), KEEP, () -> held, Clock.fixed(NOW, ZoneOffset.UTC))) {
            return purge.purge();
        }
    }

    private static TopicPartition topic(String name, int... agesInHours) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, 1, (short) 1).configs(Map.of("retention.ms", "-1"))))
                .all()
                .get();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (int age : agesInHours) {
                long at = NOW.minus(Duration.ofHours(age)).toEpochMilli();
                producer.send(new ProducerRecord<>(name, 0, at, null, new byte[] {1}))
                        .get();
            }
        }
        return new TopicPartition(name, 0);
    }

    private static void commit(TopicPartition partition, long offset) throws Exception {
        admin.alterConsumerGroupOffsets(Pump.GROUP, Map.of(partition, new OffsetAndMetadata(offset)))
                .all()
                .get();
    }

    private static long earliest(TopicPartition partition) throws Exception {
        return admin.listOffsets(Map.of(partition, OffsetSpec.earliest()))
                .partitionResult(partition)
                .get()
                .offset();
    }
}
