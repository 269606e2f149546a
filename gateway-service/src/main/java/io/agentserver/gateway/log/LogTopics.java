package io.agentserver.gateway.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import static java.util.Objects.requireNonNull;

/** Creates the topics of CONTRACTS 3, and deletes a tenant's. A topic that exists stays as it is. */
public final class LogTopics {
    private static final String LARGEST_RECORD = Integer.toString(2 * 1024 * 1024);
    private static final int USAGE_PARTITIONS = 6;
    /** How old a message or a heartbeat is must not depend on the clock of whoever wrote it. */
    private static final String TIME_OF_A_RECORD = "message.timestamp.type";

    private static final String THE_BROKERS = "LogAppendTime";

    private final Admin admin;
    private final short replication;

    /** @param replication replicas of each topic; -1: as many as the broker says */
    public LogTopics(Admin admin, short replication) {
        this.admin = admin;
        this.replication = replication;
    }

    /** {@code tenants} and {@code usage}. */
    public void createPlatformTopics() {
        create(List.of(
                topic(
                        Topics.TENANTS,
                        1, // one order for all tenants: an organism's version comes before the entry that names it
                        Map.of(
                                "cleanup.policy",
                                "compact",
                                "segment.bytes",
                                "16777216",
                                "min.cleanable.dirty.ratio",
                                "0.1",
                                TenantRecords.LONGEST_LAG, // what is deleted is to be gone from the files, and soon
                                TenantRecords.LAG,
                                "max.message.bytes",
                                LARGEST_RECORD,
                                TIME_OF_A_RECORD,
                                THE_BROKERS)),
                topic(Topics.USAGE, USAGE_PARTITIONS, Map.of("retention.ms", "-1"))));
    }

    /** A tenant's {@code messages} and {@code dead-letters}. */
    public void createFor(TenantId tenant, int partitions) {
        create(List.of(
                topic(
                        Topics.messages(tenant),
                        partitions,
                        Map.of(
                                "retention.ms",
                                "-1",
                                "max.message.bytes",
                                LARGEST_RECORD,
                                TIME_OF_A_RECORD,
                                THE_BROKERS)),
                topic(
                        Topics.deadLetters(tenant),
                        partitions,
                        Map.of("retention.ms", "-1", "max.message.bytes", LARGEST_RECORD))));
    }

    /**
     * How many records of a tenant's messages the pumps have not finished.
     *
     * @throws Unavailable if the log does not answer
     */
    public long unfinished(TenantId tenant) {
        List<TopicPartition> partitions = partitions(Topics.messages(tenant));
        if (partitions.isEmpty()) {
            return 0;
        }
        Map<TopicPartition, OffsetAndMetadata> finished =
                answered("offsets", admin.listConsumerGroupOffsets(Topics.PUMPS).partitionsToOffsetAndMetadata());
        Map<TopicPartition, ListOffsetsResultInfo> first = offsets(partitions, OffsetSpec.earliest());
        Map<TopicPartition, ListOffsetsResultInfo> last = offsets(partitions, OffsetSpec.latest());
        long unfinished = 0;
        for (TopicPartition partition : partitions) {
            OffsetAndMetadata committed = finished.get(partition);
            long from = committed == null ? requireNonNull(first.get(partition)).offset() : committed.offset();
            unfinished += Math.max(0, requireNonNull(last.get(partition)).offset() - from);
        }
        return unfinished;
    }

    /** Whether a tenant has its topic of messages. */
    public boolean has(TenantId tenant) {
        return !partitions(Topics.messages(tenant)).isEmpty();
    }

    /**
     * Deletes a tenant's topics. The brokers delete their files within their {@code file.delete.delay.ms}.
     *
     * @return how many there were
     * @throws Unavailable if the log does not answer
     */
    public int deleteFor(TenantId tenant) {
        int deleted = 0;
        for (String topic : List.of(Topics.messages(tenant), Topics.deadLetters(tenant))) {
            if (partitions(topic).isEmpty()) {
                continue;
            }
            try {
                admin.deleteTopics(List.of(topic)).all().get(10, TimeUnit.SECONDS);
                deleted++;
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw new Unavailable("topic " + topic + " could not be deleted", e.getCause());
                }
            } catch (TimeoutException e) {
                throw new Unavailable("topic " + topic + " was not deleted in time", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Unavailable("the gateway is stopping", e);
            }
        }
        return deleted;
    }

    /** Empty: there is no such topic. */
    private List<TopicPartition> partitions(String topic) {
        try {
            return requireNonNull(admin.describeTopics(List.of(topic))
                            .allTopicNames()
                            .get(10, TimeUnit.SECONDS)
                            .get(topic))
                    .partitions()
                    .stream()
                    .map(p -> new TopicPartition(topic, p.partition()))
                    .toList();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return List.of();
            }
            throw new Unavailable("topic " + topic + " could not be looked at", e.getCause());
        } catch (TimeoutException e) {
            throw new Unavailable("topic " + topic + " could not be looked at in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }

    private Map<TopicPartition, ListOffsetsResultInfo> offsets(List<TopicPartition> partitions, OffsetSpec which) {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        partitions.forEach(partition -> asked.put(partition, which));
        return answered("offsets", admin.listOffsets(asked).all());
    }

    private static <T> T answered(String what, Future<T> answer) {
        try {
            return answer.get(10, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new Unavailable("the log does not tell its " + what, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }

    private NewTopic topic(String name, int partitions, Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(settings);
        if (replication >= 3) {
            all.put("min.insync.replicas", "2");
        }
        return new NewTopic(
                        name, Optional.of(partitions), replication < 1 ? Optional.empty() : Optional.of(replication))
                .configs(all);
    }

    private void create(List<NewTopic> topics) {
        for (Future<Void> created : admin.createTopics(topics).values().values()) {
            try {
                created.get(10, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw new Unavailable("topics " + names(topics) + " could not be created", e.getCause());
                }
            } catch (TimeoutException e) {
                throw new Unavailable("topics " + names(topics) + " were not created in time", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Unavailable("the gateway is stopping", e);
            }
        }
    }

    private static List<String> names(List<NewTopic> topics) {
        return topics.stream().map(NewTopic::name).toList();
    }
}
