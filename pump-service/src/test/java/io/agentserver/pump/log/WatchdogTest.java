package io.agentserver.pump.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A pump that is given nothing, beside a real broker that has something; the watchdog's time is the test's. */
class WatchdogTest {
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final String TOPIC = "messages.demo";
    private static final TopicPartition FIRST = new TopicPartition(TOPIC, 0);
    private static final TopicPartition SECOND = new TopicPartition(TOPIC, 1);
    private static final PumpLimits LIMITS = new PumpLimits(100, 200, 400, 10_000_000);

    private final Queue<Long> handled = new ConcurrentLinkedQueue<>();
    private final Semaphore permits = new Semaphore(0);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final ListAppender<ILoggingEvent> told = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(Watchdog.class);

    @SuppressWarnings("NullAway.Init")
    private LocalKafka kafka;

    @SuppressWarnings("NullAway.Init")
    private Admin admin;

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        kafka = LocalKafka.start(directory, 0);
        admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()));
        admin.createTopics(List.of(new NewTopic(TOPIC, 2, (short) 1))).all().get();
        told.start();
        logger.addAppender(told);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(told);
        admin.close();
        kafka.close();
    }

    /** Has both partitions and is given what the test gives it. */
    private static class Doubled extends MockConsumer<byte[], byte[]> {
        Doubled(long... ofFirst) {
            super("earliest");
            updatePartitions(
                    TOPIC,
                    List.of(
                            new PartitionInfo(TOPIC, 0, null, null, null),
                            new PartitionInfo(TOPIC, 1, null, null, null)));
            updateBeginningOffsets(Map.of(FIRST, 0L, SECOND, 0L));
            schedulePollTask(() -> {
                rebalance(List.of(FIRST, SECOND));
                for (long offset : ofFirst) {
                    addRecord(new ConsumerRecord<>(TOPIC, 0, offset, bytes("t" + offset), new byte[] {1}));
                }
            });
        }
    }

    @Test
    void a_pump_that_is_given_nothing_although_its_log_has_messages_reads_them_with_a_new_consumer() throws Exception {
        append(3);
        permits.release(3);
        try (Pump pump = pump(new Doubled(), new RealConsumer(kafka.bootstrap()));
                Watchdog watchdog = watchdog(pump)) {
            await().atMost(SOON).until(() -> pump.assigned().equals(Set.of(FIRST, SECOND)));
            watchdog.check();
            later(29);
            watchdog.check();
            assertThat(told.list).isEmpty();
            later(1);

            watchdog.check();

            assertThat(told.list).singleElement().satisfies(event -> {
                assertThat(event.getLevel()).isEqualTo(Level.WARN);
                assertThat(event.getFormattedMessage())
                        .contains(
                                "Waiting: 1 [messages.demo-0]",
                                "assigned: 2 [messages.demo-0, messages.demo-1]",
                                "paused: 0 []",
                                "Pump.poll(Pump.java");
            });
            assertThat(stalls()).isEqualTo(1);
            await().atMost(SOON).until(() -> handled.size() == 3);
            await().atMost(SOON).until(() -> committed(FIRST) == 3);
            checkTwice(watchdog);
        }
        assertThat(stalls()).isEqualTo(1);
    }

    @Test
    void a_pump_that_does_not_know_what_the_group_has_given_it_is_given_it_anew() throws Exception {
        append(3);
        permits.release(3);
        Consumer<byte[], byte[]> unknowing = new RealConsumer(kafka.bootstrap()) {
            @Override
            public Set<TopicPartition> assignment() {
                return Set.of();
            }

            @Override
            public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                super.poll(timeout);
                return ConsumerRecords.empty();
            }
        };
        try (Pump pump = pump(unknowing, new RealConsumer(kafka.bootstrap()));
                Watchdog watchdog = watchdog(pump)) {
            await().atMost(SOON).until(() -> {
                checkTwice(watchdog); // the group has to have given it something
                return stalls() > 0;
            });
            await().atMost(SOON).until(() -> handled.size() == 3);
        }
    }

    @Test
    void a_handler_that_takes_its_time_and_a_partition_that_is_paused_for_it_are_no_standstill() throws Exception {
        append(3);
        append(SECOND, 1);
        PumpLimits full = new PumpLimits(1, 1, 1, 1_000);
        Doubled consumer = new Doubled(0);
        try (Pump pump = pump(full, consumer);
                Watchdog watchdog = watchdog(pump)) {
            await().atMost(SOON).until(() -> pump.paused().equals(Set.of(FIRST, SECOND)));
            checkTwice(watchdog);
            permits.release(3);
        }
        permits.drainPermits();
        try (Pump pump = pump(LIMITS, new Doubled(0));
                Watchdog watchdog = watchdog(pump)) {
            commit(SECOND, 1);
            await().atMost(SOON)
                    .until(() -> pump.isAtWorkOn(FIRST, 0) && !pump.assigned().isEmpty());
            assertThat(pump.paused()).isEmpty();
            checkTwice(watchdog);
            permits.release(3);
        }
        assertThat(told.list).isEmpty();
    }

    @Test
    void what_is_finished_and_cannot_be_committed_is_a_standstill() throws Exception {
        append(1);
        permits.release(1);
        try (Pump pump = pump(new Doubled(0), new Doubled());
                Watchdog watchdog = watchdog(pump)) {
            await().atMost(SOON)
                    .until(() -> handled.size() == 1 && !pump.assigned().isEmpty());
            checkTwice(watchdog); // the double's commit is not the broker's
            assertThat(stalls()).isEqualTo(1);
        }
    }

    @Test
    void what_moves_or_is_deleted_is_no_standstill() throws Exception {
        append(3);
        try (Pump pump = pump(new Doubled());
                Watchdog watchdog = watchdog(pump)) {
            await().atMost(SOON).until(() -> pump.assigned().equals(Set.of(FIRST, SECOND)));
            watchdog.check();
            for (int offset = 1; offset <= 3; offset++) {
                commit(FIRST, offset);
                later(20);
                watchdog.check();
            }
            append(2);
            admin.deleteRecords(Map.of(FIRST, RecordsToDelete.beforeOffset(5)))
                    .all()
                    .get();
            checkTwice(watchdog);
        }
        assertThat(told.list).isEmpty();
    }

    private void checkTwice(Watchdog watchdog) throws Exception {
        watchdog.check();
        later(31);
        watchdog.check();
    }

    private void later(int seconds) {
        nanos.addAndGet(Duration.ofSeconds(seconds).toNanos());
    }

    private double stalls() {
        return registry.get("agentserver.pump.stalled").counter().count();
    }

    private Watchdog watchdog(Pump pump) {
        return new Watchdog(Brokers.plain(kafka.bootstrap()), pump, registry, nanos::get);
    }

    @SafeVarargs
    private final Pump pump(Consumer<byte[], byte[]>... consumers) {
        return pump(LIMITS, consumers);
    }

    @SafeVarargs
    private final Pump pump(PumpLimits limits, Consumer<byte[], byte[]>... consumers) {
        Queue<Consumer<byte[], byte[]>> left = new ConcurrentLinkedQueue<>(List.of(consumers));
        return new Pump(
                        left::remove,
                        (message, hold) -> {
                            permits.acquireUninterruptibly();
                            return handled.add(message.offset());
                        },
                        limits.intake(_ -> 1),
                        Duration.ofSeconds(1),
                        new QueueSizes(registry, 200, Clock.systemUTC()))
                .start();
    }

    private void append(int count) throws Exception {
        append(FIRST, count);
    }

    private void append(TopicPartition partition, int count) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer =
                Brokers.plain(kafka.bootstrap()).producer(Map.of())) {
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(
                                partition.topic(), partition.partition(), bytes("t" + i), new byte[] {1}))
                        .get();
            }
        }
    }

    private void commit(TopicPartition partition, long offset) throws Exception {
        admin.alterConsumerGroupOffsets(Pump.GROUP, Map.of(partition, new OffsetAndMetadata(offset)))
                .all()
                .get();
    }

    private long committed(TopicPartition partition) throws Exception {
        OffsetAndMetadata offset = admin.listConsumerGroupOffsets(Pump.GROUP)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(partition);
        return offset == null ? -1 : offset.offset();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
