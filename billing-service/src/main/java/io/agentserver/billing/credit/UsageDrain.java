package io.agentserver.billing.credit;

import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** How far {@code usage} is posted, by any billing service: the group's committed offsets against the topic's ends. */
public final class UsageDrain {
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);

    private final Admin admin;
    private final String group;

    private interface Call<T> {
        T get() throws InterruptedException, ExecutionException, TimeoutException;
    }

    public UsageDrain(Admin admin, String group) {
        this.admin = admin;
        this.group = group;
    }

    /**
     * Blocks until all that stands on the topic now is posted.
     *
     * @return false if {@code stopped} came first
     * @throws IllegalStateException if the brokers do not answer
     */
    boolean await(BooleanSupplier stopped) {
        Map<TopicPartition, Long> ends = ends();
        while (!stopped.getAsBoolean()) {
            Map<TopicPartition, Long> committed = committed();
            if (ends.entrySet().stream().allMatch(end -> committed.getOrDefault(end.getKey(), 0L) >= end.getValue())) {
                return true;
            }
            try {
                Thread.sleep(LOOK_EVERY);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return false;
    }

    private Map<TopicPartition, Long> ends() {
        return orNone(() -> {
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            Objects.requireNonNull(admin.describeTopics(List.of(Topics.USAGE))
                            .allTopicNames()
                            .get(CALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                            .get(Topics.USAGE))
                    .partitions()
                    .forEach(p -> latest.put(new TopicPartition(Topics.USAGE, p.partition()), OffsetSpec.latest()));
            Map<TopicPartition, ListOffsetsResultInfo> found =
                    admin.listOffsets(latest).all().get(CALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            return found.entrySet().stream()
                    .collect(Collectors.toMap(
                            Map.Entry::getKey, each -> each.getValue().offset()));
        });
    }

    private Map<TopicPartition, Long> committed() {
        return orNone(() -> {
            Map<TopicPartition, Long> offsets = new HashMap<>();
            Map<TopicPartition, OffsetAndMetadata> found = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get(CALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            found.forEach((partition, offset) -> {
                if (Objects.nonNull(offset)) { // null where nothing was committed
                    offsets.put(partition, offset.offset());
                }
            });
            return offsets;
        });
    }

    /** None, where there is no topic yet, or nobody has read it. */
    private static Map<TopicPartition, Long> orNone(Call<Map<TopicPartition, Long>> call) {
        try {
            return call.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException
                    || e.getCause() instanceof GroupIdNotFoundException) {
                return Map.of();
            }
            throw new IllegalStateException("Kafka does not say how far usage is posted", e);
        } catch (TimeoutException e) {
            throw new IllegalStateException("Kafka does not say how far usage is posted", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while asking how far usage is posted", e);
        }
    }
}
