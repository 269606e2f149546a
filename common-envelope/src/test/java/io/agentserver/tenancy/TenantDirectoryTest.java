package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

/** A topic by hand, and a clock by hand. */
class TenantDirectoryTest {
    private static final TopicPartition TOPIC = new TopicPartition(Topics.TENANTS, 0);

    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5); // it may wrap round
    private final Queue<Consumer<byte[], byte[]>> consumers = new ConcurrentLinkedQueue<>();
    private final AtomicInteger opened = new AtomicInteger();

    /** Has these keys on its topic; each step is seen by the reader before the next begins. */
    private static class Topic extends MockConsumer<byte[], byte[]> {
        private long next;
        volatile long timestampMs = ConsumerRecord.NO_TIMESTAMP;

        /** @param keys of entries; with a minus before it: that it is deleted */
        Topic(String... keys) {
            super("earliest");
            updatePartitions(TOPIC.topic(), List.of(new PartitionInfo(TOPIC.topic(), 0, null, null, null)));
            updateBeginningOffsets(Map.of(TOPIC, 0L));
            updateEndOffsets(Map.of(TOPIC, (long) keys.length));
            schedulePollTask(() -> List.of(keys).forEach(this::add));
        }

        private void add(String key) {
            if (key.startsWith("-")) {
                add(key.substring(1), null);
                return;
            }
            byte[] value = key.equals(TenantDirectory.HEARTBEAT)
                    ? new byte[0]
                    : new TenantEntry(key, key, "dev", 1, Instant.EPOCH, 1, List.of(), List.of()).toJson();
            add(key, value);
        }

        private void add(String key, byte @Nullable [] value) {
            addRecord(new ConsumerRecord<>(
                    TOPIC.topic(),
                    0,
                    next++,
                    timestampMs,
                    TimestampType.CREATE_TIME,
                    -1,
                    -1,
                    key.getBytes(StandardCharsets.UTF_8),
                    value,
                    new RecordHeaders(),
                    Optional.empty()));
        }

        final void comes(String... keys) throws InterruptedException {
            step(() -> List.of(keys).forEach(this::add));
        }

        /** Returns when what was there before has been read. */
        final void isRead() throws InterruptedException {
            step(() -> {});
        }

        private void step(Runnable step) throws InterruptedException {
            schedulePollTask(step);
            CountDownLatch applied = new CountDownLatch(1);
            schedulePollTask(applied::countDown); // in the poll after the one whose records have been applied
            applied.await();
            CountDownLatch settled = new CountDownLatch(1);
            schedulePollTask(settled::countDown);
            settled.await();
        }
    }

    private TenantDirectory directory(Topic... topics) {
        consumers.addAll(List.of(topics));
        return new TenantDirectory(
                        () -> {
                            opened.incrementAndGet();
                            return consumers.remove();
                        },
                        nanos::get)
                .start();
    }

    @Test
    void a_version_that_does_not_stand_before_a_newer_entry_is_retired() throws Exception {
        TenantId acme = new TenantId("acme");
        Topic topic = new Topic("acme"); // version 1 is current
        try (TenantDirectory directory = directory(topic)) {
            topic.isRead();
            assertThat(directory.isRetired(acme, 0)).isTrue();
            assertThat(directory.isRetired(acme, 1)).as("it may still come").isFalse();
            assertThat(directory.isRetired(new TenantId("nobody"), 0)).isFalse();
        }
    }

    @Test
    void a_deleted_tenant_does_not_come_back_with_a_record_that_is_read_again_or_comes_late() throws Exception {
        TenantId acme = new TenantId("acme");
        Topic topic = new Topic("acme", "-acme");
        Topic again = new Topic("acme");
        try (TenantDirectory directory = directory(topic, again)) {
            topic.isRead();
            assertThat(directory.find(acme)).isEmpty();
            topic.comes("acme");
            assertThat(directory.find(acme))
                    .as("written by one who had not heard")
                    .isEmpty();
            topic.setPollException(new KafkaException("the log was lost"));
            again.isRead();
            assertThat(directory.find(acme)).as("read again from the start").isEmpty();
        }
    }

    @Test
    void says_that_a_tenant_is_gone_only_when_it_knows_all() throws Exception {
        try (TenantDirectory unread = new TenantDirectory(Topic::new, nanos::get)) {
            assertThat(unread.isGone(new TenantId("nobody"))).isFalse(); // it has not begun to read
        }
        Topic topic = new Topic("acme", TenantDirectory.HEARTBEAT);
        try (TenantDirectory directory = directory(topic)) {
            topic.isRead();
            assertThat(directory.isGone(new TenantId("acme"))).isFalse();
            assertThat(directory.isGone(new TenantId("nobody"))).isTrue();
        }
    }

    @Test
    void is_fresh_from_a_heartbeat_on_for_thirty_seconds_of_the_monotonic_clock() throws Exception {
        Topic topic = new Topic("acme", TenantDirectory.HEARTBEAT);
        try (TenantDirectory directory = directory(topic)) {
            topic.isRead();
            assertThat(directory.isCaughtUp()).isTrue();
            assertThat(directory.find(new TenantId("acme"))).isPresent();
            assertThat(directory.isFresh()).isFalse(); // nobody knows how old that heartbeat is

            topic.comes(TenantDirectory.HEARTBEAT);
            assertThat(directory.isFresh()).isTrue();
            nanos.addAndGet(Duration.ofSeconds(29).toNanos());
            assertThat(directory.isFresh()).isTrue();
            nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            assertThat(directory.isFresh()).isFalse();
            topic.comes("another");
            assertThat(directory.isFresh()).isTrue();
        }
    }

    @Test
    void a_heartbeat_from_before_the_start_is_as_old_as_it_is_and_counts_once() throws Exception {
        Topic topic = new Topic("acme", TenantDirectory.HEARTBEAT);
        Topic again = new Topic("acme", TenantDirectory.HEARTBEAT);
        topic.timestampMs = System.currentTimeMillis() - 5_000;
        again.timestampMs = topic.timestampMs;
        try (TenantDirectory directory = directory(topic, again)) {
            topic.isRead();
            assertThat(directory.isFresh()).isTrue();
            nanos.addAndGet(Duration.ofSeconds(26).toNanos());
            assertThat(directory.isFresh()).isFalse();

            topic.setPollException(new KafkaException("the log was lost"));
            again.isRead();
            assertThat(directory.isFresh()).isFalse();
        }
    }

    @Test
    void what_it_reads_again_is_no_heartbeat() throws Exception {
        Topic lost = new Topic();
        Topic found = new Topic("acme", TenantDirectory.HEARTBEAT, TenantDirectory.HEARTBEAT);
        try (TenantDirectory directory = directory(lost, found)) {
            lost.comes(TenantDirectory.HEARTBEAT);
            assertThat(directory.isFresh()).isTrue();
            nanos.addAndGet(Duration.ofSeconds(31).toNanos());

            lost.schedulePollTask(() -> {
                throw new IllegalStateException("the brokers are gone");
            });
            found.isRead();
            assertThat(directory.find(new TenantId("acme"))).isPresent();
            assertThat(directory.isFresh()).isFalse();
            found.comes(TenantDirectory.HEARTBEAT);
            assertThat(directory.isFresh()).isTrue();
        }
    }

    @Test
    void whatever_a_consumer_throws_it_reads_again() throws Exception {
        Topic broken = new Topic() {
            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                throw new NoClassDefFoundError("a test's");
            }
        };
        Topic whole = new Topic("acme");
        try (TenantDirectory directory = directory(broken, whole)) {
            whole.isRead();
            assertThat(directory.find(new TenantId("acme"))).isPresent();
            assertThat(opened.get()).isEqualTo(2);
        }
    }

    @Test
    void who_listens_and_fails_does_not_blind_it() throws Exception {
        Topic topic = new Topic();
        try (TenantDirectory directory = directory(topic)) {
            topic.isRead();
            directory.onChange(_ -> {
                throw new IllegalStateException("a test's");
            });
            topic.comes("acme", "zeta");
            assertThat(directory.find(new TenantId("zeta"))).isPresent();
            assertThat(opened.get()).isEqualTo(1);
        }
    }
}
