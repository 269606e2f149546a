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
import java.util.stream.Collectors;

/**
 * How far {@code usage} is posted, by any billing service: the group's committed offsets against the topic's ends. Each
 * question is one or two round trips to the brokers, 10 s at most.
 */
public final class UsageDrain implements AutoCloseable {
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);

    private final Admin admin;
    private final String group;

    private interface Call<T> {
        T get() throws InterruptedException, ExecutionException, TimeoutException;
    }

    /** @param admin closed with this */
    public UsageDrain(Admin admin, String group) {
        this.admin = admin;
        this.group = group;
    }

    /**
     * Where the topic ends now, a partition each.
     *
     * @throws IllegalStateException if the brokers do not answer; likewise below
     */
    Map<TopicPartition, Long> ends() {
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

    /** How far it is posted. */
    Map<TopicPartition, Long> committed() {
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

    static boolean isReached(Map<TopicPartition, Long> ends, Map<TopicPartition, Long> committed) {
        return ends.entrySet().stream().allMatch(end -> committed.getOrDefault(end.getKey(), 0L) >= end.getValue());
    }

    @Override
    public void close() {
        admin.close(CLOSE_LIMIT);
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
