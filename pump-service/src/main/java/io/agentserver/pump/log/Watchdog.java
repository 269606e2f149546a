package io.agentserver.pump.log;

import io.agentserver.log.Brokers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Sees that a pump stands still although its log has messages, whatever the cause: of a partition that is its own, by what it
 * knows or by what the group does, and is not paused, the committed offset is below the end and stays there for 30 s, and the
 * pump is not at work on the message there. Then it says what is known, counts, and has the pump join the group again with a
 * new consumer. Asks the brokers every 10 s, on a thread of its own and by monotonic time; while they do not answer nothing is
 * known, and the 30 s begin anew.
 */
public final class Watchdog implements AutoCloseable {
    static final Duration STALLED = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);
    private static final Duration PERIOD = Duration.ofSeconds(10);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final int MOST_NAMES = 50;

    private final Admin admin;
    private final Pump pump;
    private final LongSupplier nanos;
    private final Counter stalls;
    private final Map<TopicPartition, Unmoved> unmoved = new HashMap<>();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("pump-watchdog").daemon().factory());

    /**
     * Where a partition's committed offset is.
     *
     * @param since when it was first seen there, by {@code nanos}
     */
    private record Unmoved(long offset, long since) {}

    public Watchdog(Brokers brokers, Pump pump, MeterRegistry registry) {
        this(brokers, pump, registry, System::nanoTime);
    }

    /** @param nanos as {@link System#nanoTime} */
    Watchdog(Brokers brokers, Pump pump, MeterRegistry registry, LongSupplier nanos) {
        this.admin = brokers.admin(Map.of());
        this.pump = pump;
        this.nanos = nanos;
        this.stalls = Counter.builder("agentserver.pump.stalled")
                .description("times that this pump stood still although its log had messages")
                .register(registry);
    }

    public Watchdog start() {
        // it never fails: checkOrTell tells
        var _ = timer.scheduleWithFixedDelay(
                this::checkOrTell, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return this;
    }

    private void checkOrTell() {
        try {
            check();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            unmoved.clear();
            LOG.debug("whether the pump stands still is not known: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    void check() throws ExecutionException, TimeoutException, InterruptedException {
        Set<TopicPartition> held = new HashSet<>(pump.assigned());
        held.addAll(given(pump.member()));
        held.removeAll(pump.paused());
        Map<TopicPartition, Long> waiting = firstUnfinished(held);
        waiting.entrySet().removeIf(first -> pump.isAtWorkOn(first.getKey(), first.getValue()));
        long now = nanos.getAsLong();
        unmoved.keySet().retainAll(waiting.keySet());
        waiting.forEach((partition, offset) -> unmoved.merge(
                partition, new Unmoved(offset, now), (before, here) -> before.offset() == offset ? before : here));
        Set<TopicPartition> stalled = unmoved.entrySet().stream()
                .filter(partition -> now - partition.getValue().since() >= STALLED.toNanos())
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
        if (!stalled.isEmpty()) {
            tell(stalled);
            stalls.increment();
            unmoved.clear();
            pump.rejoin();
        }
    }

    /** What the group takes for this member's; the member may not have got so far, and be stuck on the way. */
    private List<TopicPartition> given(String member)
            throws ExecutionException, TimeoutException, InterruptedException {
        try {
            return admin
                    .describeConsumerGroups(List.of(Pump.GROUP))
                    .all()
                    .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS)
                    .values()
                    .stream()
                    .flatMap(group -> group.members().stream())
                    .filter(each -> each.consumerId().equals(member))
                    .flatMap(each -> each.assignment().topicPartitions().stream())
                    .toList();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof GroupIdNotFoundException) {
                return List.of(); // nobody has joined it yet
            }
            throw e;
        }
    }

    private void tell(Set<TopicPartition> stalled) {
        LOG.warn(
                "the pump stands still although its log has messages; joining the group again. Waiting: {}; assigned: {}; paused: {}; "
                        + "its thread last turned {} ms ago and was last given a message {} ms ago; it is{}",
                some(stalled),
                some(pump.assigned()),
                some(pump.paused()),
                pump.sinceTurn().toMillis(),
                pump.sinceRecord().toMillis(),
                Arrays.stream(pump.stack()).map(frame -> "\n\tat " + frame).collect(Collectors.joining()));
    }

    private static String some(Collection<TopicPartition> partitions) {
        List<String> names = partitions.stream()
                .map(TopicPartition::toString)
                .sorted()
                .limit(MOST_NAMES)
                .toList();
        return partitions.size() + " " + names + (partitions.size() > MOST_NAMES ? " and others" : "");
    }

    /** The lowest offset that is not finished, of the partitions where there is any. */
    private Map<TopicPartition, Long> firstUnfinished(Set<TopicPartition> partitions)
            throws ExecutionException, TimeoutException, InterruptedException {
        if (partitions.isEmpty()) {
            return new HashMap<>();
        }
        Map<TopicPartition, Long> committed = committed(partitions);
        Map<TopicPartition, Long> behind = offsets(partitions, OffsetSpec.latest());
        behind.entrySet().removeIf(end -> committed.getOrDefault(end.getKey(), 0L) >= end.getValue());
        if (behind.isEmpty()) {
            return behind;
        }
        // nobody can read what is deleted: of a log whose rest is deleted nothing is left to do
        Map<TopicPartition, Long> first = offsets(behind.keySet(), OffsetSpec.earliest());
        first.replaceAll((partition, earliest) -> Math.max(earliest, committed.getOrDefault(partition, 0L)));
        first.entrySet().removeIf(offset -> offset.getValue() >= behind.getOrDefault(offset.getKey(), Long.MAX_VALUE));
        return first;
    }

    private Map<TopicPartition, Long> committed(Set<TopicPartition> partitions)
            throws ExecutionException, TimeoutException, InterruptedException {
        Map<TopicPartition, OffsetAndMetadata> answer = admin.listConsumerGroupOffsets(
                        Map.of(Pump.GROUP, new ListConsumerGroupOffsetsSpec().topicPartitions(partitions)))
                .partitionsToOffsetAndMetadata(Pump.GROUP)
                .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (TopicPartition partition : partitions) {
            OffsetAndMetadata committed = answer.get(partition);
            if (committed != null) {
                offsets.put(partition, committed.offset());
            }
        }
        return offsets;
    }

    private Map<TopicPartition, Long> offsets(Set<TopicPartition> partitions, OffsetSpec which)
            throws ExecutionException, TimeoutException, InterruptedException {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        admin.listOffsets(partitions.stream().collect(Collectors.toMap(p -> p, _ -> which)))
                .all()
                .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS)
                .forEach((partition, offset) -> offsets.put(partition, offset.offset()));
        return offsets;
    }

    @Override
    public void close() {
        timer.shutdownNow();
        try {
            admin.close(Duration.ofSeconds(1));
        } catch (KafkaException e) {
            LOG.debug("the watchdog's connection did not close in order", e);
        }
    }
}
