package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The topics {@code dead-letters.{tenant}}, read by place: without a group, from an offset to an offset. Blocks on the caller's
 * (virtual) thread; safe on any number of them. A few consumers serve all, and few of them one tenant, so that none can keep
 * them all; whoever finds none free waits for a moment.
 */
public final class KafkaDeadLetterLog implements AutoCloseable {
    private static final int MOST_CONSUMERS = 8;
    private static final int MOST_OF_A_TENANT = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration PATIENCE_FOR_A_PAGE = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(200);

    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final Deque<Consumer<byte[], byte[]>> idle = new ConcurrentLinkedDeque<>();
    private final Semaphore free = new Semaphore(MOST_CONSUMERS, true);
    private final Map<TenantId, Semaphore> freeOfTenant = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** @param consumers makes one that has no group and joins none */
    public KafkaDeadLetterLog(Supplier<Consumer<byte[], byte[]>> consumers) {
        this.consumers = consumers;
    }

    /** @throws Unavailable if no consumer becomes free in time */
    Reading open(TenantId tenant) {
        Semaphore its = freeOfTenant.computeIfAbsent(tenant, t -> new Semaphore(MOST_OF_A_TENANT, true));
        acquire(its);
        try {
            acquire(free);
        } catch (Unavailable e) {
            its.release();
            throw e;
        }
        try {
            return new Reading(Topics.deadLetters(tenant), its);
        } catch (KafkaException e) {
            its.release();
            free.release();
            throw unanswered(e);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Consumer<byte[], byte[]> consumer = idle.poll(); consumer != null; consumer = idle.poll()) {
            consumer.close();
        }
    }

    private static void acquire(Semaphore semaphore) {
        try {
            if (!semaphore.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new Unavailable("too many requests read dead letters at once; try again", null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }

    private static Unavailable unanswered(@Nullable KafkaException e) {
        return new Unavailable("the log does not answer; try again", e);
    }

    /** One consumer for one request. Not shared between threads. */
    final class Reading implements AutoCloseable {
        private final String topic;
        private final Semaphore its;
        private final Consumer<byte[], byte[]> consumer;
        private boolean broken;

        private Reading(String topic, Semaphore its) {
            Consumer<byte[], byte[]> kept = idle.poll();
            this.topic = topic;
            this.its = its;
            this.consumer = kept == null ? consumers.get() : kept;
        }

        /** What each partition holds now; empty: there is no such topic. */
        Map<Integer, Span> spans() {
            return answered(() -> {
                List<PartitionInfo> found = consumer.partitionsFor(topic, PATIENCE);
                List<TopicPartition> partitions = found == null
                        ? List.of()
                        : found.stream()
                                .map(p -> new TopicPartition(topic, p.partition()))
                                .toList();
                Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, PATIENCE);
                Map<Integer, Span> spans = new TreeMap<>();
                consumer.beginningOffsets(partitions, PATIENCE)
                        .forEach((p, from) ->
                                spans.put(p.partition(), new Span(from, Objects.requireNonNull(ends.get(p)))));
                return spans;
            });
        }

        /** All that stands there, each partition in its order; {@code as} is applied to one after the other, and keeps what it wants. */
        <T> List<T> read(Map<Integer, Span> spans, Function<LoggedLetter, T> as) {
            return answered(() -> {
                Map<TopicPartition, Span> wanted = new HashMap<>();
                spans.forEach((partition, span) -> {
                    if (!span.isEmpty()) {
                        wanted.put(new TopicPartition(topic, partition), span);
                    }
                });
                consumer.assign(wanted.keySet());
                wanted.forEach((partition, span) -> consumer.seek(partition, span.from()));
                List<T> letters = new ArrayList<>();
                Set<TopicPartition> open = new HashSet<>(wanted.keySet());
                long start = System.nanoTime();
                while (!open.isEmpty()) {
                    if (System.nanoTime() - start > PATIENCE_FOR_A_PAGE.toNanos()) {
                        throw unanswered(null);
                    }
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                        Span span = wanted.get(new TopicPartition(topic, record.partition()));
                        if (span != null && span.has(record.offset())) {
                            letters.add(as.apply(logged(record)));
                        }
                    }
                    List<TopicPartition> done = open.stream()
                            .filter(p -> consumer.position(p)
                                    >= Objects.requireNonNull(wanted.get(p)).to())
                            .toList();
                    consumer.pause(done);
                    done.forEach(open::remove);
                }
                consumer.unsubscribe(); // what waits for the next request must fetch nothing
                return letters;
            });
        }

        private <T> T answered(Supplier<T> call) {
            boolean before = broken;
            broken = true; // whatever is thrown leaves it with partitions that it was paused in
            try {
                T answer = call.get();
                broken = before;
                return answer;
            } catch (KafkaException e) {
                throw unanswered(e);
            }
        }

        @Override
        public void close() {
            try {
                if (broken || closed) {
                    consumer.close();
                } else {
                    idle.push(consumer);
                }
            } finally {
                free.release();
                its.release();
            }
        }
    }

    private static LoggedLetter logged(ConsumerRecord<byte[], byte[]> record) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            if (header.value() != null) {
                headers.put(header.key(), header.value());
            }
        }
        return new LoggedLetter(
                new LetterId(record.partition(), record.offset()),
                record.timestamp(),
                record.key() == null ? new byte[0] : record.key(),
                record.value() == null ? new byte[0] : record.value(),
                headers);
    }
}
