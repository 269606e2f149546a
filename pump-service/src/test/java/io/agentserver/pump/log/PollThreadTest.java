package io.agentserver.pump.log;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.regex.Pattern;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a consumer throws at the poll thread, and that the thread outlives it. */
class PollThreadTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final TopicPartition PARTITION = new TopicPartition("messages.demo", 0);

    private final Queue<Long> handled = new ConcurrentLinkedQueue<>();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    /** One partition, whose calls fail as those of a real one do that has gone from the assignment a moment ago. */
    private static class Faulty extends MockConsumer<byte[], byte[]> {
        final AtomicInteger failing = new AtomicInteger();
        final AtomicLong committed = new AtomicLong(-1);

        Faulty(long... offsets) {
            super("earliest");
            updatePartitions(PARTITION.topic(), List.of(new PartitionInfo(PARTITION.topic(), 0, null, null, null)));
            updateBeginningOffsets(Map.of(PARTITION, 0L));
            updateEndOffsets(Map.of(PARTITION, 0L));
            schedulePollTask(() -> {
                rebalance(List.of(PARTITION));
                for (long offset : offsets) {
                    addRecord(new ConsumerRecord<>(
                            PARTITION.topic(), 0, offset, ("t" + offset).getBytes(StandardCharsets.UTF_8), new byte[] {1
                            }));
                }
            });
        }

        @Override
        public synchronized void commitSync(Map<TopicPartition, OffsetAndMetadata> offsets) {
            OffsetAndMetadata offset = offsets.get(PARTITION);
            committed.set(offset == null ? -1 : offset.offset());
            super.commitSync(offsets);
        }

        final void fail() {
            if (failing.getAndDecrement() > 0) {
                throw new IllegalStateException("No current assignment for partition " + PARTITION);
            }
        }
    }

    @Test
    void a_partition_that_goes_while_it_is_paused_or_resumed_is_passed_over() {
        Semaphore permits = new Semaphore(0);
        AtomicInteger pauses = new AtomicInteger();
        AtomicInteger resumes = new AtomicInteger();
        Faulty consumer = new Faulty(0, 1, 2, 3) {
            @Override
            public synchronized void pause(Collection<TopicPartition> partitions) {
                if (pauses.getAndIncrement() == 0) {
                    failing.set(1);
                }
                fail();
                super.pause(partitions);
            }

            @Override
            public synchronized void resume(Collection<TopicPartition> partitions) {
                if (resumes.getAndIncrement() == 0) {
                    failing.set(1);
                }
                fail();
                super.resume(partitions);
            }
        };
        try (Pump pump = pump(consumer, permits)) {
            await().atMost(SOON).until(() -> consumer.paused().equals(consumer.assignment()) && pauses.get() == 2);
            permits.release(4);
            await().atMost(SOON).until(() -> consumer.paused().isEmpty() && resumes.get() == 2);
            assertThat(pump.isJoined()).isTrue();
            await().atMost(SOON).until(() -> handled.size() == 4);
        }
    }

    @Test
    void a_partition_that_goes_while_it_is_measured_is_passed_over() {
        AtomicInteger measured = new AtomicInteger();
        Faulty consumer = new Faulty(0) {
            @Override
            public synchronized OptionalLong currentLag(TopicPartition partition) {
                if (measured.getAndIncrement() == 0) {
                    failing.set(1);
                }
                fail();
                return OptionalLong.of(5);
            }
        };
        try (Pump pump = pump(consumer, new Semaphore(10))) {
            await().atMost(SOON)
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(registry.get("agentserver.queue.size")
                                    .tag("tenant", "demo")
                                    .gauge()
                                    .value())
                            .isEqualTo(5));
            assertThat(pump.isJoined()).isTrue();
            assertThat(measured.get()).isGreaterThan(1);
        }
    }

    @Test
    void whatever_a_consumer_throws_costs_the_consumer_and_not_the_thread() {
        Queue<Consumer<byte[], byte[]>> consumers = new ConcurrentLinkedQueue<>(List.of(
                thatFails(() -> {
                    throw new IllegalArgumentException("a test's");
                }),
                thatFails(() -> {
                    throw new OutOfMemoryError("a test's");
                }),
                new Faulty(0, 1)));
        try (Pump pump = new Pump(
                consumers::remove,
                (message, hold) -> handled.add(message.offset()),
                new PumpLimits(2, 2, 2, 1_000).intake(_ -> 1),
                Duration.ofSeconds(1),
                new QueueSizes(registry, 200, Clock.systemUTC()))) {
            assertThat(pump.isAlive()).isFalse(); // not started
            pump.start();
            await().atMost(SOON).until(() -> handled.size() == 2);
            assertThat(pump.isAlive()).isTrue();
            assertThat(pump.isJoined()).isTrue();
        }
        assertThat(handled).containsExactlyInAnyOrder(0L, 1L);
    }

    @Test
    void a_partition_that_goes_while_it_drains_keeps_it_from_nothing() {
        Semaphore permits = new Semaphore(0);
        Faulty consumer = new Faulty(0) {
            @Override
            public synchronized void pause(Collection<TopicPartition> partitions) {
                permits.release();
                throw new IllegalStateException("No current assignment for partition " + partitions);
            }
        };
        Pump pump = pump(consumer, new PumpLimits(100, 100, 100, 1_000), permits);
        await().atMost(SOON).until(() -> pump.laneCount() == 1);

        pump.close();

        assertThat(handled).containsExactly(0L);
        assertThat(consumer.committed.get()).isEqualTo(1);
        assertThat(consumer.closed()).isTrue();
    }

    @Test
    void one_commit_is_on_its_way_at_a_time_and_the_next_has_what_was_finished_meanwhile() {
        Queue<Long> commits = new ConcurrentLinkedQueue<>();
        Queue<OffsetCommitCallback> unanswered = new ConcurrentLinkedQueue<>();
        Semaphore answers = new Semaphore(0);
        AtomicInteger seconds = new AtomicInteger();
        Faulty consumer = new Faulty(0, 1) {
            @Override
            public synchronized void commitAsync(
                    Map<TopicPartition, OffsetAndMetadata> offsets, @Nullable OffsetCommitCallback callback) {
                if (callback == null) { // the last, by commitSync
                    return;
                }
                offsets.values().forEach(offset -> commits.add(offset.offset()));
                unanswered.add(callback);
            }

            @Override
            public OptionalLong currentLag(TopicPartition partition) {
                seconds.incrementAndGet();
                return super.currentLag(partition);
            }

            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                if (answers.tryAcquire()) {
                    unanswered.remove().onComplete(Map.of(), new TimeoutException("a test's"));
                }
                return super.poll(timeout);
            }
        };
        Semaphore second = new Semaphore(0);
        try (Pump pump = new Pump(
                () -> consumer,
                (message, hold) -> {
                    if (message.offset() == 1) {
                        second.acquireUninterruptibly();
                    }
                    return handled.add(message.offset());
                },
                new PumpLimits(100, 100, 100, 1_000).intake(_ -> 1),
                Duration.ofSeconds(1),
                new QueueSizes(registry, 200, Clock.systemUTC()))) {
            pump.start();
            await().atMost(SOON).until(() -> commits.size() == 1);
            second.release();
            await().atMost(SOON).until(() -> handled.size() == 2);
            int until = seconds.get() + 2; // commits are due five times a second
            await().atMost(SOON).until(() -> seconds.get() >= until);
            assertThat(commits).hasSize(1);

            answers.release();

            await().atMost(SOON).until(() -> commits.size() == 2);
            assertThat(commits).containsExactly(1L, 2L);
        }
    }

    @Test
    void a_pump_whose_consumer_was_replaced_is_not_ready_before_the_new_one_has_joined() {
        Unjoined second = new Unjoined();
        Queue<Consumer<byte[], byte[]>> consumers = new ConcurrentLinkedQueue<>();
        CountDownLatch fails = new CountDownLatch(1);
        consumers.add(new Faulty() {
            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                if (fails.getCount() == 0) {
                    throw new IllegalArgumentException("a test's");
                }
                return super.poll(timeout);
            }
        });
        consumers.add(second);
        try (Pump pump = pump(consumers::remove, new PumpLimits(2, 2, 2, 1_000), new Semaphore(0))) {
            await().atMost(SOON).until(pump::isJoined);
            fails.countDown();
            await().atMost(SOON).until(() -> second.polls.get() > 1);
            assertThat(pump.isJoined()).isFalse();

            second.epoch.set(7);

            await().atMost(SOON).until(pump::isJoined);
        }
    }

    @Test
    void a_pump_that_was_put_out_of_its_group_is_not_ready_before_it_has_joined_again() {
        Unjoined consumer = new Unjoined();
        consumer.epoch.set(7);
        try (Pump pump = pump(() -> consumer, new PumpLimits(2, 2, 2, 1_000), new Semaphore(0))) {
            await().atMost(SOON).until(pump::isJoined);
            consumer.schedulePollTask(() -> consumer.listener().onPartitionsLost(List.of(PARTITION)));
            await().atMost(SOON).until(() -> !pump.isJoined());
            int until = consumer.polls.get() + 2;
            await().atMost(SOON).until(() -> consumer.polls.get() >= until);
            assertThat(pump.isJoined())
                    .as("its consumer still knows its old epoch")
                    .isFalse();

            consumer.epoch.set(8);

            await().atMost(SOON).until(pump::isJoined);
        }
    }

    /** Has no partition, and the epoch that the test says. */
    private static final class Unjoined extends MockConsumer<byte[], byte[]> {
        final AtomicInteger epoch = new AtomicInteger(-1);
        final AtomicInteger polls = new AtomicInteger();
        private final AtomicReference<ConsumerRebalanceListener> listener = new AtomicReference<>();

        Unjoined() {
            super("earliest");
        }

        ConsumerRebalanceListener listener() {
            return requireNonNull(listener.get());
        }

        @Override
        public synchronized void subscribe(Pattern pattern, ConsumerRebalanceListener subscribed) {
            listener.set(subscribed);
            super.subscribe(pattern, subscribed);
        }

        @Override
        public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
            polls.incrementAndGet();
            return super.poll(timeout);
        }

        @Override
        @SuppressWarnings("removal") // there is no other way to make one
        public ConsumerGroupMetadata groupMetadata() {
            return new ConsumerGroupMetadata(Pump.GROUP, epoch.get(), "member", Optional.empty());
        }
    }

    @Test
    void a_failure_is_told_before_its_consumer_is_closed_which_takes_3_s_at_most() {
        ListAppender<ILoggingEvent> told = new ListAppender<>();
        told.start();
        Logger logger = (Logger) LoggerFactory.getLogger(Pump.class);
        logger.addAppender(told);
        List<String> atClose = new ArrayList<>();
        Queue<Duration> limits = new ConcurrentLinkedQueue<>();
        Faulty failing = new Faulty() {
            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                throw new IllegalArgumentException("a test's");
            }

            @Override
            public void close(CloseOptions options) {
                told.list.forEach(event -> atClose.add(event.getFormattedMessage()));
                options.timeout().ifPresent(limits::add);
                super.close(options);
            }
        };
        Queue<Consumer<byte[], byte[]>> consumers = new ConcurrentLinkedQueue<>(List.of(failing, new Faulty(0)));
        try (Pump pump = pump(consumers::remove, new PumpLimits(2, 2, 2, 1_000), new Semaphore(1))) {
            await().atMost(SOON).until(() -> handled.size() == 1);
            assertThat(pump.isAlive()).isTrue();
        } finally {
            logger.detachAppender(told);
        }
        assertThat(failing.closed()).isTrue();
        assertThat(limits).containsExactly(Duration.ofSeconds(3));
        assertThat(atClose).containsExactly("the pump lost its consumer; joining the group again");
    }

    @Test
    void a_thread_that_is_stuck_for_a_minute_counts_as_dead_until_it_goes_on() {
        AtomicLong nanos = new AtomicLong();
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        Faulty consumer = new Faulty() {
            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                if (stuck.getCount() > 0) {
                    stuck.countDown();
                    until(goesOn);
                }
                return super.poll(timeout);
            }
        };
        try (Pump pump = new Pump(
                () -> consumer,
                (message, hold) -> true,
                new PumpLimits(2, 2, 2, 1_000).intake(_ -> 1),
                Duration.ZERO,
                new QueueSizes(registry, 200, Clock.systemUTC()),
                nanos::get)) {
            pump.start();
            until(stuck);
            nanos.addAndGet(Duration.ofMillis(59_999).toNanos());
            assertThat(pump.isAlive()).isTrue();
            nanos.addAndGet(Duration.ofMillis(1).toNanos());
            assertThat(pump.isAlive()).isFalse();

            goesOn.countDown();

            await().atMost(SOON).until(pump::isAlive);
        } finally {
            goesOn.countDown();
        }
    }

    private static void until(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    private static Faulty thatFails(Runnable failure) {
        return new Faulty() {
            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                failure.run();
                return super.poll(timeout);
            }
        };
    }

    private Pump pump(Faulty consumer, Semaphore permits) {
        return pump(consumer, new PumpLimits(2, 2, 2, 1_000), permits);
    }

    private Pump pump(Faulty consumer, PumpLimits limits, Semaphore permits) {
        return pump(() -> consumer, limits, permits);
    }

    private Pump pump(Supplier<Consumer<byte[], byte[]>> consumers, PumpLimits limits, Semaphore permits) {
        return new Pump(
                        consumers,
                        (message, hold) -> {
                            permits.acquireUninterruptibly();
                            return handled.add(message.offset());
                        },
                        limits.intake(_ -> 1),
                        Duration.ofSeconds(10),
                        new QueueSizes(registry, 200, Clock.systemUTC()))
                .start();
    }
}
