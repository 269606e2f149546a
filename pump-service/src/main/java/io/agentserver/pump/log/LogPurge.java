package io.agentserver.pump.log;

import io.agentserver.log.Brokers;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Frees the log of what nobody needs (CONTRACTS 3): of the partitions that this pump holds, records that the group has finished
 * and that are older than they are kept. By {@code DeleteRecords}, since a retention time would delete unfinished ones too.
 * Runs on a thread of its own, first after one period. Repeating it, or two pumps doing it at once, is harmless.
 */
public final class LogPurge implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogPurge.class);
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String GROUP = Pump.GROUP;

    private final Admin admin;
    private final Duration keep;
    private final Supplier<? extends Collection<TopicPartition>> held;
    private final Clock clock;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("log-purge").daemon().factory());

    /**
     * @param keep how long a finished record stays at least
     * @param held the partitions of this pump
     */
    public LogPurge(Brokers brokers, Duration keep, Supplier<? extends Collection<TopicPartition>> held, Clock clock) {
        this.admin = brokers.admin(Map.of());
        this.keep = keep;
        this.held = held;
        this.clock = clock;
    }

    public LogPurge start() {
        // it never fails: purgeOrTell tells
        var _ = timer.scheduleWithFixedDelay(
                this::purgeOrTell, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return this;
    }

    private void purgeOrTell() {
        try {
            purge();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            LOG.warn("the log was not purged, the next time comes in {}: {}", PERIOD, e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    /** @return how far each partition was purged, where something was to be done: the first offset that stays */
    Map<TopicPartition, Long> purge() throws ExecutionException, TimeoutException, InterruptedException {
        Map<TopicPartition, Long> committed = committed(held.get());
        Map<TopicPartition, Long> firstKept = firstSince(committed.keySet(), clock.millis() - keep.toMillis());
        Map<TopicPartition, Long> until = new HashMap<>();
        committed.forEach((partition, offset) ->
                until.put(partition, Math.min(offset, firstKept.getOrDefault(partition, offset))));
        firstSince(until.keySet(), OffsetSpec.earliest())
                .forEach((partition, earliest) ->
                        until.computeIfPresent(partition, (_, offset) -> offset > earliest.offset() ? offset : null));
        if (!until.isEmpty()) {
            Map<TopicPartition, RecordsToDelete> orders = until.entrySet().stream()
                    .collect(Collectors.toMap(Map.Entry::getKey, e -> RecordsToDelete.beforeOffset(e.getValue())));
            admin.deleteRecords(orders).all().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            LOG.debug("purged {}", until);
        }
        return until;
    }

    private Map<TopicPartition, Long> committed(Collection<TopicPartition> partitions)
            throws ExecutionException, TimeoutException, InterruptedException {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        Map<TopicPartition, OffsetAndMetadata> all = admin.listConsumerGroupOffsets(GROUP)
                .partitionsToOffsetAndMetadata()
                .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        for (TopicPartition partition : partitions) {
            OffsetAndMetadata committed = all.get(partition);
            if (committed != null) {
                offsets.put(partition, committed.offset());
            }
        }
        return offsets;
    }

    /** Where none is that young, the partition is missing: all may go that are finished. */
    private Map<TopicPartition, Long> firstSince(Collection<TopicPartition> partitions, long timestampMs)
            throws ExecutionException, TimeoutException, InterruptedException {
        return firstSince(partitions, OffsetSpec.forTimestamp(timestampMs)).entrySet().stream()
                .filter(e -> e.getValue().offset() >= 0)
                .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset()));
    }

    private Map<TopicPartition, ListOffsetsResultInfo> firstSince(
            Collection<TopicPartition> partitions, OffsetSpec which)
            throws ExecutionException, TimeoutException, InterruptedException {
        return admin.listOffsets(partitions.stream().collect(Collectors.toMap(p -> p, _ -> which)))
                .all()
                .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        timer.shutdownNow();
        try {
            admin.close(Duration.ofSeconds(1));
        } catch (KafkaException e) {
            LOG.debug("the purge's connection did not close in order", e);
        }
    }
}
