package io.agentserver.pump.log;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.pump.flow.LogRecord;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** The pump with a real broker. */
class PumpTest {
    private static final PumpLimits LIMITS = new PumpLimits(100, 200, 400, 10_000_000);
    /** The log of a new tenant, from when it is there. */
    private static final Duration FOUND = Duration.ofSeconds(5);

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
    void commits_the_lowest_unfinished_and_redelivers_from_there_after_a_crash() throws Exception {
        String topic = topic("messages.crash");
        append(topic, 6, "t");
        Queue<Long> first = new ConcurrentLinkedQueue<>();
        CountDownLatch never = new CountDownLatch(1);
        Pump crashing = new Pump(
                        Brokers.plain(kafka.bootstrap()),
                        (message, hold) -> {
                            first.add(message.offset());
                            if (message.offset() == 2) {
                                await().atMost(Duration.ofMinutes(1))
                                        .until(() -> hold.isLetGo() || never.getCount() == 0);
                                return false;
                            }
                            return true;
                        },
                        LIMITS,
                        Duration.ZERO,
                        sizes())
                .start();
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            assertThat(first).containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 4L, 5L);
            assertThat(committed(topic)).isEqualTo(2);
        });
        crashing.close(); // without draining: what it had not finished is as after a crash
        assertThat(committed(topic)).isEqualTo(2);

        Queue<Long> second = new ConcurrentLinkedQueue<>();
        try (Pump next = pump(second)) {
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                assertThat(second).containsExactlyInAnyOrder(2L, 3L, 4L, 5L);
                assertThat(committed(topic)).isEqualTo(6);
                assertThat(next.isJoined()).isTrue();
            });
        }
    }

    @Test
    void pauses_a_full_partition_and_loses_nothing() throws Exception {
        String topic = topic("messages.flood");
        append(topic, 700, "t");
        Semaphore permits = new Semaphore(0);
        AtomicInteger most = new AtomicInteger();
        AtomicInteger running = new AtomicInteger();
        Queue<Long> handled = new ConcurrentLinkedQueue<>();
        PumpLimits small = new PumpLimits(10, 10, 10, 10_000_000);
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        try (Pump pump = new Pump(
                Brokers.plain(kafka.bootstrap()),
                (message, hold) -> {
                    most.accumulateAndGet(running.incrementAndGet(), Math::max);
                    permits.acquireUninterruptibly();
                    running.decrementAndGet();
                    return handled.add(message.offset());
                },
                small,
                Duration.ofSeconds(1),
                new QueueSizes(registry, 200, Clock.systemUTC()))) {
            pump.start();
            await().atMost(Duration.ofSeconds(60))
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(registry.get("agentserver.queue.size")
                                    .tag("tenant", "flood")
                                    .gauge()
                                    .value())
                            .isEqualTo(700));
            await().atMost(Duration.ofSeconds(30)) // nothing is finished: what was taken first grows old
                    .untilAsserted(() -> assertThat(registry.get("agentserver.queue.age")
                                    .tag("tenant", "flood")
                                    .gauge()
                                    .value())
                            .isGreaterThan(1));
            assertThat(running.get()).isLessThanOrEqualTo(510); // a poll's worth past the bound
            permits.release(700);
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                assertThat(handled).hasSize(700);
                assertThat(committed(topic)).isEqualTo(700);
                assertThat(registry.get("agentserver.queue.age")
                                .tag("tenant", "flood")
                                .gauge()
                                .value())
                        .isZero();
            });
        }
        assertThat(handled)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, 700).boxed().toList());
        assertThat(most.get()).isLessThan(700);
    }

    @Test
    void finds_a_tenant_that_comes_later_and_drains_when_it_stops() throws Exception {
        Queue<Long> handled = new ConcurrentLinkedQueue<>();
        String topic;
        try (Pump pump = new Pump(
                Brokers.plain(kafka.bootstrap()),
                (message, hold) -> {
                    await().pollDelay(Duration.ofMillis(300)).until(() -> true);
                    return handled.add(message.offset());
                },
                LIMITS,
                Duration.ofSeconds(10),
                sizes())) {
            pump.start();
            await().atMost(Duration.ofSeconds(30)).until(pump::isJoined);
            topic = topic("messages.later");
            append(topic, 3, "one-thread");
            await().atMost(FOUND).until(() -> pump.laneCount() > 0);
        }
        assertThat(handled).containsExactly(0L, 1L, 2L);
        assertThat(committed(topic)).isEqualTo(3);
    }

    @Test
    void fetches_small_pieces_so_that_what_waits_beside_the_lanes_is_bounded() throws Exception {
        String topic = topic("large");
        byte[] value = new byte[Pump.PIECE_BYTES / 4];
        new Random(7).nextBytes(value); // it does not shrink
        try (KafkaOutbox outbox = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            for (int i = 0; i < 24; i++) {
                outbox.append(List.of(new LogRecord(topic, new byte[] {1}, value, Map.of())));
            }
        }
        Map<String, Object> settings = new HashMap<>(Pump.SETTINGS);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, "reader");
        try (KafkaConsumer<byte[], byte[]> consumer =
                Brokers.plain(kafka.bootstrap()).consumer(settings)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            AtomicInteger read = new AtomicInteger();
            await().atMost(Duration.ofSeconds(30))
                    .until(() ->
                            read.addAndGet(consumer.poll(Duration.ofMillis(100)).count()) >= 24);
            double largest = consumer.metrics().values().stream()
                    .filter(metric -> metric.metricName().name().equals("fetch-size-max"))
                    .mapToDouble(metric -> (double) metric.metricValue())
                    .filter(size -> !Double.isNaN(size))
                    .max()
                    .orElseThrow();
            assertThat(largest).isBetween((double) value.length, Pump.PIECE_BYTES + 1024.0 * 4);
        }
    }

    private static Pump pump(Queue<Long> handled) {
        return new Pump(
                        Brokers.plain(kafka.bootstrap()),
                        (message, hold) -> handled.add(message.offset()),
                        LIMITS,
                        Duration.ofSeconds(1),
                        sizes())
                .start();
    }

    private static QueueSizes sizes() {
        return new QueueSizes(new SimpleMeterRegistry(), 200, Clock.systemUTC());
    }

    private static String topic(String name) throws InterruptedException, ExecutionException {
        admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get();
        return name;
    }

    private static void append(String topic, int count, String thread) {
        try (KafkaOutbox outbox = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            for (int i = 0; i < count; i++) {
                String key = thread.equals("t") ? thread + i : thread;
                outbox.append(
                        List.of(new LogRecord(topic, key.getBytes(StandardCharsets.UTF_8), new byte[] {1}, Map.of())));
            }
        }
    }

    private static long committed(String topic) throws InterruptedException, ExecutionException {
        OffsetAndMetadata offset = admin.listConsumerGroupOffsets(Pump.GROUP)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(new TopicPartition(topic, 0));
        return offset == null ? -1 : offset.offset();
    }
}
