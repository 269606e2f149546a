package io.agentserver.pump.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.Topics;
import io.agentserver.pump.flow.LogMessage;
import io.agentserver.pump.flow.MessageFlow;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * Takes every tenant's messages from Kafka (group {@code pump}, KIP-848) and gives each to the lane of its thread. One
 * platform thread polls, pauses full partitions and commits; it never waits for a message's handling. A partition's committed
 * offset is its lowest unfinished one, so what a crash interrupts is polled again. Stops by draining what it has taken.
 *
 * <p>The consumer takes a partition from its assignment on a thread of its own, at any time, before {@code poll} calls back:
 * then what is asked about that partition throws, and the partition is passed over. Whatever else goes wrong costs the
 * consumer, never the thread: it joins the group again with a new one.
 */
public final class Pump implements AutoCloseable {
    public static final String GROUP = Topics.PUMPS;

    private static final Logger LOG = LoggerFactory.getLogger(Pump.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration POLL_WHILE_PAUSED = Duration.ofMillis(10);
    private static final long COMMIT_EVERY_NANOS = Duration.ofMillis(200).toNanos();
    private static final long MEASURE_EVERY_NANOS = Duration.ofSeconds(1).toNanos();
    private static final Duration CLOSE = Duration.ofSeconds(3);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(1);
    /** How long a turn of the poll thread may take: what is known to block in it ends after 3 s. */
    private static final Duration LONGEST_TURN = Duration.ofSeconds(60);
    /**
     * Beside what {@link Intake} bounds, the consumer keeps what it has fetched and {@code poll} has not given: of each partition
     * one piece of this size, or one batch that is larger (2 MiB at most), also while the partition is paused.
     */
    static final int PIECE_BYTES = 256 * 1024;
    /** Of an answer of one broker; each has one on its way at a time. */
    private static final int FETCH_BYTES = 16 * 1024 * 1024;

    static final Map<String, Object> SETTINGS = Map.ofEntries(
            Map.entry(ConsumerConfig.GROUP_ID_CONFIG, Pump.GROUP),
            Map.entry(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "consumer"),
            Map.entry(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest"),
            Map.entry(ConsumerConfig.METADATA_MAX_AGE_CONFIG, 2_000), // how soon a new tenant's topic is found
            Map.entry(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, 20_000), // who polls no more gives its partitions up
            // an outage of all brokers that it knows must not empty the subscription: who forgets them forgets their
            // topics
            Map.entry(CommonClientConfigs.METADATA_RECOVERY_STRATEGY_CONFIG, "none"),
            Map.entry(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 500),
            Map.entry(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, PIECE_BYTES),
            Map.entry(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, FETCH_BYTES),
            Map.entry(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 250),
            Map.entry(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1));

    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final Duration drain;
    private final Lanes lanes;
    private final QueueSizes sizes;
    private final Thread thread;
    private final LongSupplier nanos;
    private volatile boolean stopping;
    private volatile boolean joined;
    private volatile Set<TopicPartition> assigned = Set.of();
    private volatile Set<TopicPartition> paused = Set.of();
    private volatile String member = "";
    private volatile @Nullable Consumer<byte[], byte[]> polled;
    private volatile long turnedAt;
    private volatile long readAt;
    /** The member's epoch when it was last put out of the group; of the poll thread's. */
    private int epochLost;
    /** A commit is on its way; of the poll thread's. */
    private boolean committing;

    /**
     * @param weights a tenant's, beside other tenants: 1 or more
     * @param drain how long a stop waits for what is being handled
     */
    public Pump(
            Brokers brokers,
            MessageFlow flow,
            PumpLimits limits,
            ToIntFunction<TenantId> weights,
            Duration drain,
            QueueSizes sizes) {
        this(() -> brokers.consumer(SETTINGS), flow::handle, limits.intake(ofTopic(weights)), drain, sizes);
    }

    Pump(Brokers brokers, Lanes.MessageWork work, PumpLimits limits, Duration drain, QueueSizes sizes) {
        this(() -> brokers.consumer(SETTINGS), work, limits.intake(_ -> 1), drain, sizes);
    }

    /** @param consumers makes one, of its own group membership, each time */
    Pump(
            Supplier<Consumer<byte[], byte[]>> consumers,
            Lanes.MessageWork work,
            Intake intake,
            Duration drain,
            QueueSizes sizes) {
        this(consumers, work, intake, drain, sizes, System::nanoTime);
    }

    /** @param nanos as {@link System#nanoTime} */
    Pump(
            Supplier<Consumer<byte[], byte[]>> consumers,
            Lanes.MessageWork work,
            Intake intake,
            Duration drain,
            QueueSizes sizes,
            LongSupplier nanos) {
        this.consumers = consumers;
        this.drain = drain;
        this.lanes = new Lanes(work, intake);
        this.sizes = sizes;
        this.nanos = nanos;
        this.thread = Thread.ofPlatform().name("pump").daemon().unstarted(this::run);
    }

    public Pump start() {
        turnedAt = nanos.getAsLong();
        readAt = turnedAt;
        thread.start();
        return this;
    }

    /** Whether it is a member of the group and polls. */
    public boolean isJoined() {
        return joined && thread.isAlive();
    }

    /** False: its thread has ended although nobody closed it, or has been stuck for a minute, and only a new process polls again. */
    public boolean isAlive() {
        return stopping || (thread.isAlive() && sinceTurn().compareTo(LONGEST_TURN) < 0);
    }

    /** The partitions that are this pump's, as of a second ago. */
    public Set<TopicPartition> assigned() {
        return assigned;
    }

    /** Those of them that are full, or with whose tenant the pump is. */
    Set<TopicPartition> paused() {
        return paused;
    }

    /** Its id in the group, as of a second ago; empty: none. */
    String member() {
        return member;
    }

    /** Since its thread last came back from a poll, or took a new consumer. */
    Duration sinceTurn() {
        return Duration.ofNanos(nanos.getAsLong() - turnedAt);
    }

    /** Since it was last given a message, or was started. */
    Duration sinceRecord() {
        return Duration.ofNanos(nanos.getAsLong() - readAt);
    }

    /** Where its thread is. */
    StackTraceElement[] stack() {
        return thread.getStackTrace();
    }

    /** Whether the message at this offset, or one before it, is taken and not finished. */
    boolean isAtWorkOn(TopicPartition partition, long offset) {
        return lanes.isAtWorkOn(slice(partition), offset);
    }

    /** Has it join the group again, with a new consumer, as soon as its thread polls. */
    void rejoin() {
        Consumer<byte[], byte[]> consumer = polled;
        if (consumer != null) {
            consumer.wakeup(); // the one method that is safe on any thread
        }
    }

    /** Messages that take long: worked on here, off the log, in the journal's care. */
    public int detachedCount() {
        return lanes.detached();
    }

    /** Lanes that have a message. */
    public int laneCount() {
        return lanes.count();
    }

    /** Stops polling, lets what runs finish within the deadline, commits, leaves the group. */
    @Override
    public void close() {
        stopping = true;
        try {
            thread.join(drain.plus(CLOSE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lanes.stop();
    }

    private void run() {
        while (!stopping) {
            turnedAt = nanos.getAsLong();
            try {
                use(consumers.get());
            } catch (RuntimeException | Error e) {
                LOG.error("the pump has no consumer; trying again", e);
                pauseAfterFailure();
            }
        }
    }

    /** Until it is closed or fails; which is told before the consumer is closed, for that may take its time. */
    private void use(Consumer<byte[], byte[]> consumer) {
        boolean failed = true;
        epochLost = 0;
        committing = false;
        polled = consumer;
        try {
            consumer.subscribe(Topics.ALL_MESSAGES, new Rebalance(consumer));
            poll(consumer);
            drain(consumer);
            failed = false;
        } catch (WakeupException | InterruptException e) {
            LOG.warn("the pump was woken or interrupted without being closed; joining the group again", e);
            Thread.interrupted(); // or what comes next would be interrupted too
        } catch (RuntimeException | Error e) {
            LOG.error("the pump lost its consumer; joining the group again", e);
        } finally {
            polled = null;
            joined = false;
            assigned = Set.of();
            paused = Set.of();
            member = "";
            lanes.letGoOfAll();
            close(consumer);
        }
        if (failed) {
            pauseAfterFailure();
        }
    }

    private static void close(Consumer<byte[], byte[]> consumer) {
        try {
            consumer.close(CloseOptions.timeout(CLOSE));
        } catch (RuntimeException | Error e) {
            LOG.warn("the pump's consumer did not close in order: {}", e.toString());
        }
    }

    private void poll(Consumer<byte[], byte[]> consumer) {
        long committed = nanos.getAsLong();
        long measured = committed;
        while (!stopping) {
            ConsumerRecords<byte[], byte[]> records =
                    consumer.poll(consumer.paused().isEmpty() ? POLL : POLL_WHILE_PAUSED);
            long now = nanos.getAsLong();
            turnedAt = now;
            if (!records.isEmpty()) {
                readAt = now;
            }
            for (ConsumerRecord<byte[], byte[]> record : records) {
                lanes.add(message(record));
            }
            joined = joined
                    || !consumer.assignment().isEmpty()
                    || consumer.groupMetadata().generationId() > epochLost;
            pauseAndResume(consumer);
            if (now - committed >= COMMIT_EVERY_NANOS) {
                commit(consumer);
                committed = now;
            }
            if (now - measured >= MEASURE_EVERY_NANOS) {
                measure(consumer);
                measured = now;
            }
        }
    }

    /** The partitions that are full wait in the log. */
    private void pauseAndResume(Consumer<byte[], byte[]> consumer) {
        Set<TopicPartition> paused = consumer.paused();
        for (TopicPartition partition : consumer.assignment()) {
            boolean full = lanes.isFull(slice(partition));
            if (full && !paused.contains(partition)) {
                unlessGone(() -> consumer.pause(Set.of(partition)));
            } else if (!full && paused.contains(partition)) {
                unlessGone(() -> consumer.resume(Set.of(partition)));
            }
        }
    }

    /** What the consumer does about one partition, unless that has gone from the assignment since it was looked at. */
    private static void unlessGone(Runnable action) {
        try {
            action.run();
        } catch (IllegalStateException e) {
            LOG.debug("passed over: {}", e.toString());
        }
    }

    /** One at a time: without a coordinator they would wait side by side, without bound, and set offsets back when they go. */
    private void commit(Consumer<byte[], byte[]> consumer) {
        Map<Intake.Slice, Long> offsets = committing ? Map.of() : lanes.committable();
        if (!offsets.isEmpty()) {
            committing = true;
            consumer.commitAsync(toKafka(offsets), (_, failure) -> {
                committing = false;
                if (failure == null) {
                    lanes.committed(offsets);
                } else {
                    LOG.warn("a commit failed and will be repeated: {}", failure.toString());
                }
            });
        }
    }

    /** Before a partition goes: what is finished and not committed would be handled again for nothing. */
    private void commitNow(Consumer<byte[], byte[]> consumer) {
        Map<Intake.Slice, Long> offsets = lanes.committable();
        try {
            if (!offsets.isEmpty()) {
                consumer.commitSync(toKafka(offsets), CLOSE);
                lanes.committed(offsets);
            }
        } catch (RuntimeException e) {
            LOG.warn("the last commit failed; some messages will be recognised as repeats: {}", e.toString());
        }
    }

    private void drain(Consumer<byte[], byte[]> consumer) {
        long deadline = nanos.getAsLong() + drain.toNanos();
        try {
            do {
                stayMember(consumer);
            } while (!lanes.awaitIdle(POLL) && nanos.getAsLong() < deadline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        commitNow(consumer);
    }

    /** Takes nothing more, and lets nobody else begin what is about to end. */
    private static void stayMember(Consumer<byte[], byte[]> consumer) {
        try {
            consumer.assignment().forEach(partition -> unlessGone(() -> consumer.pause(Set.of(partition))));
            consumer.poll(Duration.ZERO);
        } catch (RuntimeException e) {
            LOG.warn("while draining: {}", e.toString());
        }
    }

    private void measure(Consumer<byte[], byte[]> consumer) {
        Map<String, Long> byTopic = new HashMap<>();
        Map<String, Long> oldest = new HashMap<>();
        assigned = Set.copyOf(consumer.assignment());
        paused = Set.copyOf(consumer.paused());
        member = consumer.groupMetadata().memberId();
        for (TopicPartition partition : assigned) {
            unlessGone(() -> {
                long behind = consumer.currentLag(partition).orElse(0) + lanes.inFlight(slice(partition));
                byTopic.merge(partition.topic(), behind, Long::sum);
            });
            lanes.oldest(slice(partition)).ifPresent(at -> oldest.merge(partition.topic(), at, Math::min));
        }
        sizes.measured(byTopic, oldest);
    }

    private void pauseAfterFailure() {
        Thread.interrupted(); // or every new consumer would be interrupted too
        try {
            Thread.sleep(PAUSE_AFTER_FAILURE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Its methods run on the poll thread, inside {@code poll} and {@code close}. */
    private final class Rebalance implements ConsumerRebalanceListener {
        private final Consumer<byte[], byte[]> consumer;

        Rebalance(Consumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            joined = true;
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            commitNow(consumer);
            letGo(partitions);
        }

        /** The group has gone on without this member; the consumer joins it again by itself. */
        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            joined = false;
            epochLost = consumer.groupMetadata().generationId();
            letGo(partitions);
        }

        private void letGo(Collection<TopicPartition> partitions) {
            for (TopicPartition partition : partitions) {
                lanes.letGo(slice(partition));
            }
        }
    }

    private static LogMessage message(ConsumerRecord<byte[], byte[]> record) {
        Header mac = record.headers().lastHeader(RecordHeaders.MAC);
        return new LogMessage(
                record.topic(),
                record.partition(),
                record.offset(),
                record.timestamp(),
                orEmpty(record.key()),
                orEmpty(record.value()),
                mac == null ? null : mac.value(),
                text(record, RecordHeaders.TRACEPARENT),
                text(record, RecordHeaders.KEY_ID));
    }

    private static @Nullable String text(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : new String(orEmpty(header.value()), StandardCharsets.US_ASCII);
    }

    private static byte[] orEmpty(byte @Nullable [] bytes) {
        return bytes == null ? new byte[0] : bytes;
    }

    private static ToIntFunction<String> ofTopic(ToIntFunction<TenantId> weights) {
        return topic -> Topics.tenantOfMessages(topic).map(weights::applyAsInt).orElse(1);
    }

    private static Intake.Slice slice(TopicPartition partition) {
        return new Intake.Slice(partition.topic(), partition.partition());
    }

    private static Map<TopicPartition, OffsetAndMetadata> toKafka(Map<Intake.Slice, Long> offsets) {
        Map<TopicPartition, OffsetAndMetadata> kafka = new HashMap<>();
        offsets.forEach((slice, offset) ->
                kafka.put(new TopicPartition(slice.topic(), slice.partition()), new OffsetAndMetadata(offset)));
        return kafka;
    }
}
