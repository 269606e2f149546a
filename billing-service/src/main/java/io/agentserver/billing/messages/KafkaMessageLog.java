package io.agentserver.billing.messages;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * Counts the records of an org's topic by its offsets, which are numbered without gaps (no transactions, no compaction) and
 * stay what they are when old records are purged. A record that a producer wrote twice counts twice. Safe on any thread.
 */
public final class KafkaMessageLog implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Admin admin;
    private final Map<TenantId, List<TopicPartition>> partitions =
            new ConcurrentHashMap<>(); // never changed, CONTRACTS 3

    public KafkaMessageLog(Brokers brokers) {
        this.admin = brokers.admin(Map.of(
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                (int) PATIENCE.toMillis(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                (int) PATIENCE.toMillis()));
    }

    /** Kafka does not answer. */
    public static final class Away extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Away(Throwable cause) {
            super("Kafka does not answer", cause);
        }
    }

    /** Asks how many were ever put there; what is given back waits for the answer. Empty: there is no such log. */
    public Optional<Supplier<Long>> ever(TenantId tenant) {
        return partitions(tenant).map(all -> {
            KafkaFuture<Map<TopicPartition, ListOffsetsResultInfo>> answer = ask(all, OffsetSpec.latest());
            return () -> sum(offsets(answer), Map.of());
        });
    }

    /**
     * Those of an earlier time than this, which is at most 24 hours ago: a record younger than that is never purged, so none
     * that should not count is missing.
     */
    public Optional<Long> before(TenantId tenant, Instant time) {
        return partitions(tenant).map(all -> {
            Map<TopicPartition, Long> first = offsets(ask(all, OffsetSpec.forTimestamp(time.toEpochMilli())));
            return sum(first, first.containsValue(-1L) ? offsets(ask(all, OffsetSpec.latest())) : Map.of());
        });
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(1));
    }

    /** @param otherwise instead of -1, which says that no record is that young */
    private static long sum(Map<TopicPartition, Long> offsets, Map<TopicPartition, Long> otherwise) {
        return offsets.entrySet().stream()
                .mapToLong(e -> e.getValue() >= 0 ? e.getValue() : otherwise.getOrDefault(e.getKey(), 0L))
                .sum();
    }

    private KafkaFuture<Map<TopicPartition, ListOffsetsResultInfo>> ask(List<TopicPartition> of, OffsetSpec which) {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        of.forEach(partition -> asked.put(partition, which));
        return admin.listOffsets(asked).all();
    }

    private static Map<TopicPartition, Long> offsets(KafkaFuture<Map<TopicPartition, ListOffsetsResultInfo>> answer) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        answered(answer).forEach((partition, info) -> offsets.put(partition, info.offset()));
        return offsets;
    }

    private Optional<List<TopicPartition>> partitions(TenantId tenant) {
        List<TopicPartition> known = partitions.get(tenant);
        if (known != null) {
            return Optional.of(known);
        }
        String topic = Topics.messages(tenant);
        try {
            TopicDescription described = Objects.requireNonNull(
                    answered(admin.describeTopics(List.of(topic)).allTopicNames())
                            .get(topic));
            List<TopicPartition> all = new ArrayList<>();
            described.partitions().forEach(p -> all.add(new TopicPartition(topic, p.partition())));
            partitions.put(tenant, List.copyOf(all));
            return Optional.of(all);
        } catch (Away e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static <T> T answered(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new Away(e.getCause() instanceof KafkaException cause ? cause : e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Away(e);
        }
    }
}
