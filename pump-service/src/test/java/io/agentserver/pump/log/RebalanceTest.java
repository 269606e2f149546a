package io.agentserver.pump.log;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Pods that come and go: the partitions of those that stay, stay with them (KIP-848). */
class RebalanceTest {
    private static final List<String> TOPICS = List.of("messages.acme", "messages.globex", "messages.initech");
    private static final int PARTITIONS = 4;
    private static final Set<TopicPartition> ALL = TOPICS.stream()
            .flatMap(topic -> IntStream.range(0, PARTITIONS).mapToObj(number -> new TopicPartition(topic, number)))
            .collect(Collectors.toUnmodifiableSet());

    private final List<Pump> pods = new ArrayList<>();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private LocalKafka kafka;

    @BeforeEach
    void start() throws Exception {
        kafka = LocalKafka.start(directory, 0);
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()))) {
            admin.createTopics(TOPICS.stream()
                            .map(topic -> new NewTopic(topic, PARTITIONS, (short) 1))
                            .toList())
                    .all()
                    .get();
        }
    }

    @AfterEach
    void stop() {
        pods.forEach(Pump::close);
        kafka.close();
    }

    @Test
    void a_pod_that_joins_or_leaves_moves_only_its_own_partitions() {
        Pump first = joining();
        assertThat(settled()).containsOnly(Map.entry(first, ALL));
        for (int pod = 2; pod <= 3; pod++) {
            Map<Pump, Set<TopicPartition>> before = settled();
            Pump newcomer = joining();
            Map<Pump, Set<TopicPartition>> after = settled();
            assertThat(after.get(newcomer)).hasSize(ALL.size() / pod);
            before.forEach((stays, had) -> assertThat(had)
                    .as("who stays has got nothing of another's")
                    .containsAll(after.getOrDefault(stays, Set.of())));
        }

        Map<Pump, Set<TopicPartition>> before = settled();
        Pump leaving = pods.remove(1);
        leaving.close();
        Map<Pump, Set<TopicPartition>> after = settled();
        after.forEach((stays, has) -> assertThat(has)
                .as("who stays keeps all")
                .hasSize(ALL.size() / 2)
                .containsAll(before.getOrDefault(stays, Set.of())));
    }

    @Test
    void a_pod_that_polls_no_more_gives_its_partitions_up_although_its_heartbeats_go_on() {
        CountDownLatch thaws = new CountDownLatch(1);
        AtomicBoolean frozen = new AtomicBoolean();
        Pump first = joining(() -> new RealConsumer(kafka.bootstrap()) {
            @Override
            public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                if (frozen.get()) {
                    until(thaws);
                }
                return super.poll(timeout);
            }
        });
        try {
            assertThat(settled()).containsOnly(Map.entry(first, ALL));
            frozen.set(true);

            Pump second = joining();

            await().atMost(Duration.ofSeconds(60)) // 20 s after its last poll
                    .untilAsserted(() -> assertThat(second.assigned()).isEqualTo(ALL));
        } finally {
            frozen.set(false);
            thaws.countDown();
        }
        assertThat(settled()).as("it polls again, and joins again").hasSize(2);
    }

    @Test
    void an_outage_of_the_only_broker_takes_no_topic_from_the_subscription_and_no_partition() {
        AtomicInteger polls = new AtomicInteger();
        Set<Set<String>> subscriptions = ConcurrentHashMap.newKeySet();
        Set<Set<TopicPartition>> assignments = ConcurrentHashMap.newKeySet();
        Pump pod = joining(() -> new RealConsumer(kafka.bootstrap()) {
            @Override
            public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                ConsumerRecords<byte[], byte[]> records = super.poll(timeout);
                subscriptions.add(subscription());
                assignments.add(assignment());
                polls.incrementAndGet();
                return records;
            }
        });
        assertThat(settled()).containsOnly(Map.entry(pod, ALL));
        subscriptions.clear();
        assignments.clear();

        kafka.close();
        awaitPolls(polls, 50); // 5 s
        kafka = LocalKafka.start(directory, kafka.port());
        awaitPolls(polls, 50);

        assertThat(subscriptions).containsExactly(Set.copyOf(TOPICS));
        assertThat(assignments).containsExactly(ALL);
    }

    private static void awaitPolls(AtomicInteger polls, int more) {
        int until = polls.get() + more;
        await().atMost(Duration.ofSeconds(60)).until(() -> polls.get() >= until);
    }

    private Pump joining(Supplier<Consumer<byte[], byte[]>> consumers) {
        Pump pod = new Pump(
                        consumers,
                        (message, hold) -> true,
                        new PumpLimits(100, 200, 400, 10_000_000).intake(_ -> 1),
                        Duration.ofSeconds(1),
                        new QueueSizes(new SimpleMeterRegistry(), 200, Clock.systemUTC()))
                .start();
        pods.add(pod);
        return pod;
    }

    private Pump joining() {
        Pump pod = new Pump(
                        Brokers.plain(kafka.bootstrap()),
                        (message, hold) -> true,
                        new PumpLimits(100, 200, 400, 10_000_000),
                        Duration.ofSeconds(1),
                        new QueueSizes(new SimpleMeterRegistry(), 200, Clock.systemUTC()))
                .start();
        pods.add(pod);
        return pod;
    }

    /** Who has what, when all is had, by one each, and shared evenly. */
    private Map<Pump, Set<TopicPartition>> settled() {
        return await().atMost(Duration.ofSeconds(60))
                .until(
                        () -> {
                            Map<Pump, Set<TopicPartition>> shares = new HashMap<>();
                            pods.forEach(pod -> shares.put(pod, Set.copyOf(pod.assigned())));
                            return shares;
                        },
                        RebalanceTest::isEven);
    }

    private static void until(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    private static boolean isEven(Map<Pump, Set<TopicPartition>> shares) {
        List<TopicPartition> had = shares.values().stream().flatMap(Set::stream).toList();
        return had.size() == ALL.size()
                && new HashSet<>(had).equals(ALL)
                && shares.values().stream().allMatch(share -> share.size() == ALL.size() / shares.size());
    }
}
