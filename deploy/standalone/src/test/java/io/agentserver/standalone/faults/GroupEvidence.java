package io.agentserver.standalone.faults;

import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

/** What the broker says of the pumps' group: who is in it, who has what, and how far each partition is. */
final class GroupEvidence {
    private GroupEvidence() {}

    static String of(String kafka) throws InterruptedException {
        try (Admin admin = Admin.create(Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                kafka,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                10_000,
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                5_000))) {
            ConsumerGroupDescription group = Objects.requireNonNull(admin.describeConsumerGroups(List.of(Topics.PUMPS))
                            .describedGroups()
                            .get(Topics.PUMPS))
                    .get();
            Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(Topics.PUMPS)
                    .partitionsToOffsetAndMetadata()
                    .get();
            Map<String, String> offsets = new TreeMap<>();
            for (Map.Entry<TopicPartition, OffsetAndMetadata> entry : committed.entrySet()) {
                long end = admin.listOffsets(Map.of(entry.getKey(), OffsetSpec.latest()))
                        .partitionResult(entry.getKey())
                        .get()
                        .offset();
                offsets.put(
                        entry.getKey().toString(),
                        "committed " + entry.getValue().offset() + " of " + end);
            }
            return group.groupState() + ", epoch " + group.groupEpoch() + ", target " + group.targetAssignmentEpoch()
                    + "\n"
                    + group.members().stream().map(Object::toString).collect(Collectors.joining("\n"))
                    + "\n"
                    + offsets.entrySet().stream().map(Object::toString).collect(Collectors.joining("\n"));
        } catch (ExecutionException e) {
            return "the broker does not say: " + e;
        }
    }
}
