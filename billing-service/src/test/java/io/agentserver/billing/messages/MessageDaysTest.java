package io.agentserver.billing.messages;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import static org.assertj.core.api.Assertions.assertThat;

/** Against a real log, whose records say their own time. */
class MessageDaysTest {
    private static final int PARTITIONS = 2;
    private static final Instant NOON = Instant.parse("2026-03-14T12:00:00Z");
    private static final LocalDate DAY = LocalDate.of(2026, 3, 14);
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();

    private final TenantId tenant = Calls.newTenant();
    private final KafkaMessageLog log = new KafkaMessageLog(Brokers.plain(TestStores.kafka()));

    @BeforeEach
    void topic() throws ExecutionException, InterruptedException {
        DynamoDayStarts.createIfAbsent(DYNAMO);
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(Topics.messages(tenant), PARTITIONS, (short) 1)
                            .configs(Map.of("retention.ms", "-1"))))
                    .all()
                    .get();
        }
    }

    @AfterEach
    void close() {
        log.close();
    }

    @Test
    void a_day_is_what_came_between_its_beginning_and_the_next() throws Exception {
        append(NOON.minus(Duration.ofDays(1)), 3);
        at(NOON.minus(Duration.ofDays(1))).writeDown();
        append(NOON.minus(Duration.ofHours(13)), 2); // the evening before
        append(NOON.minus(Duration.ofHours(12)), 1); // midnight is the new day's
        at(NOON).writeDown();
        append(NOON, 4);

        assertThat(at(NOON).count(tenant, DAY.minusDays(7))).isEqualTo(Map.of(DAY.minusDays(1), 5L, DAY, 5L));
    }

    @Test
    void what_is_purged_still_counts_and_a_second_count_changes_nothing() throws Exception {
        append(NOON.minus(Duration.ofDays(1)), 3);
        at(NOON.minus(Duration.ofDays(1))).writeDown();
        append(NOON, 2);
        purge();
        at(NOON).writeDown();
        at(NOON).writeDown();

        assertThat(at(NOON).count(tenant, DAY.minusDays(7))).isEqualTo(Map.of(DAY.minusDays(1), 3L, DAY, 2L));
    }

    @Test
    void today_is_known_before_it_was_written_down_and_a_day_without_a_count_is_missing() throws Exception {
        append(NOON.minus(Duration.ofDays(3)), 1);
        append(NOON, 2);

        assertThat(at(NOON).count(tenant, DAY.minusDays(7))).isEqualTo(Map.of(DAY, 2L));
        assertThat(new DynamoDayStarts(DYNAMO).read(tenant, DAY, DAY))
                .as("who looks next need not ask the log")
                .isEqualTo(Map.of(DAY, 1L));
        assertThat(at(NOON).count(Calls.newTenant(), DAY)).isEmpty();
    }

    private MessageDays at(Instant now) {
        return new MessageDays(
                log,
                new DynamoDayStarts(DYNAMO),
                () -> List.of(tenant, Calls.newTenant()),
                Clock.fixed(now, ZoneOffset.UTC));
    }

    private void append(Instant at, int messages) throws ExecutionException, InterruptedException {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", TestStores.kafka()), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < messages; i++) {
                producer.send(new ProducerRecord<>(
                                Topics.messages(tenant), i % PARTITIONS, at.toEpochMilli(), "thread", "message"))
                        .get();
            }
        }
    }

    /** What is older than the records of {@link #NOON}. */
    private void purge() throws ExecutionException, InterruptedException {
        try (Admin admin = admin()) {
            admin.deleteRecords(Map.of(
                            new TopicPartition(Topics.messages(tenant), 0), RecordsToDelete.beforeOffset(2),
                            new TopicPartition(Topics.messages(tenant), 1), RecordsToDelete.beforeOffset(1)))
                    .all()
                    .get();
        }
    }

    private static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", TestStores.kafka()));
    }
}
