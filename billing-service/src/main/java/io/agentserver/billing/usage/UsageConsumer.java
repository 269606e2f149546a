package io.agentserver.billing.usage;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.OutOfMemory;
import io.agentserver.usage.UsageRecord;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The topic {@code usage} in, posting groups out, on one thread of its own. An offset is committed when the ledger has
 * what stands before it, so a record is posted at least once, and the ledger makes that exactly once. A record that
 * cannot be understood, or that the ledger can never take, is kept in the ledger's store and passed over: it must not
 * hold up the others. While the store is away nothing is committed and the same records are tried again. Whatever else
 * goes wrong costs the consumer, never the thread: a new one starts at what is committed.
 */
public final class UsageConsumer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UsageConsumer.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration SHORTEST_WAIT = Duration.ofMillis(200);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);
    private static final Duration WAIT_FOR_BROKERS = Duration.ofSeconds(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final Ledger ledger;
    private final Clock clock;
    private final Counter posted;
    private final Counter repeated;
    private final Counter rejected;
    private final Counter failed;
    private final Thread thread;
    private final CountDownLatch closing = new CountDownLatch(1);

    public UsageConsumer(Brokers brokers, String group, Ledger ledger, Clock clock, MeterRegistry metrics) {
        this(() -> brokers.consumer(settings(group)), ledger, clock, metrics);
    }

    /** @param consumers makes one, of its own group membership, each time */
    UsageConsumer(Supplier<Consumer<byte[], byte[]>> consumers, Ledger ledger, Clock clock, MeterRegistry metrics) {
        this.consumers = consumers;
        this.ledger = ledger;
        this.clock = clock;
        this.posted = records("posted", metrics);
        this.repeated = records("repeated", metrics);
        this.rejected = Counter.builder("agentserver.rejected")
                .description("refused input, by reason")
                .tag("reason", "invalid-usage-record")
                .register(metrics);
        this.failed = Counter.builder("agentserver.billing.usage.failures")
                .description("reads and postings of usage records that are tried again")
                .register(metrics);
        this.thread = Thread.ofPlatform().name("billing-usage").daemon().unstarted(this::run);
    }

    private static Counter records(String outcome, MeterRegistry metrics) {
        return Counter.builder("agentserver.billing.usage")
                .description("usage records, by what the ledger made of them")
                .tag("outcome", outcome)
                .register(metrics);
    }

    public UsageConsumer start() {
        thread.start();
        return this;
    }

    public boolean isRunning() {
        return thread.isAlive();
    }

    /** Finishes and commits the records at hand, then leaves the group; waits at most 20 s for that. */
    @Override
    public void close() {
        closing.countDown();
        try {
            if (!thread.join(STOP_LIMIT)) {
                LOG.warn("usage consumer did not stop within {}; what it did not commit comes again", STOP_LIMIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!isClosing()) {
            try (Consumer<byte[], byte[]> consumer = consumers.get()) {
                consumer.subscribe(List.of(Topics.USAGE));
                consume(consumer);
            } catch (RuntimeException | Error brokersAway) {
                OutOfMemory.endsTheProcess(brokersAway);
                failed.increment();
                LOG.warn("reading topic {} failed; trying again", Topics.USAGE, brokersAway);
                await(WAIT_FOR_BROKERS);
            }
        }
    }

    private void consume(Consumer<byte[], byte[]> consumer) {
        Duration wait = SHORTEST_WAIT;
        while (!isClosing()) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
            if (records.isEmpty()) {
                continue;
            }
            try {
                post(records);
                consumer.commitSync(records.nextOffsets());
                wait = SHORTEST_WAIT;
            } catch (KafkaException commitFailed) {
                // a new consumer starts at what is committed; posting the same again has no effect
                throw commitFailed;
            } catch (RuntimeException storeAway) {
                failed.increment();
                LOG.warn("posting {} usage records failed; again in {}", records.count(), wait, storeAway);
                rewind(consumer, records);
                await(wait);
                wait = min(wait.multipliedBy(2), LONGEST_WAIT);
            }
        }
    }

    private void post(ConsumerRecords<byte[], byte[]> records) {
        Map<ConsumerRecord<byte[], byte[]>, PostingGroup> groups = new LinkedHashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            try {
                groups.put(record, read(record));
            } catch (RuntimeException unreadable) {
                reject(record, unreadable);
            }
        }
        try {
            post(List.copyOf(groups.values()));
        } catch (RuntimeException e) {
            if (!isOfTheRecords(e)) {
                throw e;
            }
            LOG.warn("{} usage records cannot be posted together; posting each alone", groups.size(), e);
            groups.forEach(this::postAlone);
        }
    }

    private void post(List<PostingGroup> groups) {
        Ledger.Posted result = ledger.post(groups);
        posted.increment(result.fresh());
        repeated.increment(result.repeated());
    }

    private void postAlone(ConsumerRecord<byte[], byte[]> record, PostingGroup group) {
        try {
            post(List.of(group));
        } catch (RuntimeException e) {
            if (!isOfTheRecords(e)) {
                throw e;
            }
            reject(record, e);
        }
    }

    /** Whether posting the same again must fail again; a store that is away throws what its technology throws. */
    private static boolean isOfTheRecords(RuntimeException e) {
        return e instanceof IllegalArgumentException
                || e instanceof ArithmeticException
                || e instanceof DateTimeException
                || e instanceof NullPointerException
                || e instanceof ClassCastException
                || e instanceof IndexOutOfBoundsException;
    }

    private static PostingGroup read(ConsumerRecord<byte[], byte[]> record) {
        if (record.value() == null) {
            throw new IllegalArgumentException("a record without a value");
        }
        PostingGroup group = PostingGroup.of(UsageRecord.ofJson(record.value()));
        if (!group.tenant().value().equals(keyOf(record))) {
            throw new IllegalArgumentException("tenant: <" + group.tenant() + "> is not the record's key");
        }
        return group;
    }

    private void reject(ConsumerRecord<byte[], byte[]> record, RuntimeException reason) {
        byte[] value = record.value() == null ? new byte[0] : record.value();
        String text = reason instanceof JacksonException json ? json.getOriginalMessage() : reason.getMessage();
        ledger.keep(RejectedRecord.of(
                record.partition(),
                record.offset(),
                keyOf(record),
                value,
                text == null ? reason.getClass().getSimpleName() : text,
                clock.instant()));
        rejected.increment();
        LOG.error(
                "usage record at partition {} offset {} cannot be posted and was put aside: {}",
                record.partition(),
                record.offset(),
                text);
    }

    /** A record without a key has the key "", which is no tenant's. */
    private static String keyOf(ConsumerRecord<byte[], byte[]> record) {
        return record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    }

    private static void rewind(Consumer<byte[], byte[]> consumer, ConsumerRecords<byte[], byte[]> records) {
        Map<TopicPartition, Long> first = new HashMap<>();
        for (TopicPartition partition : records.partitions()) {
            first.put(partition, records.records(partition).getFirst().offset());
        }
        first.keySet().retainAll(consumer.assignment());
        first.forEach(consumer::seek);
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    private void await(Duration time) {
        try {
            closing.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts the usage consumer's thread", e);
        }
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private static Map<String, Object> settings(String group) {
        return Map.of(
                ConsumerConfig.GROUP_ID_CONFIG,
                group,
                ConsumerConfig.GROUP_PROTOCOL_CONFIG,
                "consumer",
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                "earliest",
                ConsumerConfig.METADATA_MAX_AGE_CONFIG,
                2_000); // the topic may be made after this starts
    }
}
