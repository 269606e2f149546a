package io.agentserver.pump.log;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.pump.flow.LogRecord;
import io.agentserver.pump.flow.UnavailableException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Two brokers that hand a tenant's partition to and fro while it is written and read. */
class LeaderMovesTest {
    private static final TopicPartition PARTITION = new TopicPartition("messages.moved", 0);
    private static final int THREADS = 4;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Map<String, Queue<Integer>> handled = new ConcurrentHashMap<>();
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final AtomicBoolean enough = new AtomicBoolean();

    @SuppressWarnings("NullAway.Init")
    private LocalKafka one;

    @SuppressWarnings("NullAway.Init")
    private LocalKafka two;

    @SuppressWarnings("NullAway.Init")
    private Admin admin;

    @SuppressWarnings("NullAway.Init")
    private Pump pump;

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        one = LocalKafka.start(directory.resolve("one"), 0);
        admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, one.bootstrap()));
        pump = new Pump(
                        Brokers.plain(one.bootstrap()),
                        (message, hold) -> handled.computeIfAbsent(
                                        new String(message.key(), StandardCharsets.UTF_8),
                                        _ -> new ConcurrentLinkedQueue<>())
                                .add(Integer.valueOf(new String(message.value(), StandardCharsets.UTF_8))),
                        new PumpLimits(100, 200, 400, 10_000_000),
                        Duration.ofSeconds(5),
                        new QueueSizes(new SimpleMeterRegistry(), 200, Clock.systemUTC()))
                .start();
        // the group's own topic is made meanwhile, and all of it lies on the first
        await().atMost(LIMIT).until(pump::isJoined);
        two = one.joinedBy(directory.resolve("two"), 2);
        await().atMost(LIMIT).until(() -> admin.describeCluster().nodes().get().size() == 2);
        admin.createTopics(List.of(new NewTopic(PARTITION.topic(), Map.of(PARTITION.partition(), List.of(1, 2)))))
                .all()
                .get();
    }

    @AfterEach
    void stop() {
        enough.set(true);
        pump.close();
        admin.close(Duration.ZERO);
        two.close();
        one.close();
    }

    @Test
    void nothing_is_lost_and_each_threads_order_is_kept() throws Exception {
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
                KafkaOutbox outbox = new KafkaOutbox(Brokers.plain(one.bootstrap()))) {
            for (int thread = 0; thread < THREADS; thread++) {
                byte[] key = ("thread-" + thread).getBytes(StandardCharsets.UTF_8);
                clients.execute(() -> send(outbox, key));
            }
            for (int leader : List.of(2, 1, 2, 1, 2)) {
                awaitTraffic();
                moveTo(leader);
            }
            awaitTraffic();
            two.close(); // the leader
            await().atMost(LIMIT).until(() -> leader() == 1);
            awaitTraffic();
            enough.set(true);
        }
        assertThat(acknowledged.get()).isGreaterThan(7 * 40);
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(handled.values().stream()
                                .mapToLong(
                                        numbers -> numbers.stream().distinct().count())
                                .sum())
                        .isEqualTo(acknowledged.get()));
        assertThat(handled)
                .hasSize(THREADS)
                .allSatisfy((_, numbers) -> assertThat(numbers.stream().distinct())
                        .as("each for the first time")
                        .containsExactlyElementsOf(IntStream.rangeClosed(
                                        1, (int) numbers.stream().distinct().count())
                                .boxed()
                                .toList()));
    }

    /** One after the other, each again until the log has it, as a pump does with an output. */
    private void send(KafkaOutbox outbox, byte[] key) {
        for (int number = 1; !enough.get(); number++) {
            byte[] value = String.valueOf(number).getBytes(StandardCharsets.UTF_8);
            while (!isTaken(outbox, new LogRecord(PARTITION.topic(), key, value, Map.of()))) {
                // whether it has it is not known: the reader tells a repeat from a new one
            }
            acknowledged.incrementAndGet();
        }
    }

    private static boolean isTaken(KafkaOutbox outbox, LogRecord record) {
        try {
            outbox.append(List.of(record));
            return true;
        } catch (UnavailableException e) {
            return false;
        }
    }

    private void awaitTraffic() {
        int before = acknowledged.get();
        await().atMost(LIMIT).until(() -> acknowledged.get() >= before + 40);
    }

    private void moveTo(int leader) throws Exception {
        List<Integer> replicas = List.of(leader, 3 - leader);
        admin.alterPartitionReassignments(Map.of(PARTITION, Optional.of(new NewPartitionReassignment(replicas))))
                .all()
                .get();
        await().atMost(LIMIT)
                .until(() -> partition().isr().size() == 2
                        && partition().replicas().getFirst().id() == leader);
        admin.electLeaders(ElectionType.PREFERRED, Set.of(PARTITION))
                .partitions()
                .get();
        await().atMost(LIMIT).until(() -> leader() == leader);
    }

    private int leader() throws ExecutionException, InterruptedException {
        return partition().leader() == null ? -1 : partition().leader().id();
    }

    private TopicPartitionInfo partition() throws ExecutionException, InterruptedException {
        return admin.describeTopics(List.of(PARTITION.topic()))
                .allTopicNames()
                .get()
                .values()
                .iterator()
                .next()
                .partitions()
                .getFirst();
    }
}
