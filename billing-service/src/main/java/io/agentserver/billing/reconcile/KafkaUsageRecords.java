package io.agentserver.billing.reconcile;

import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Reads what stands on the topic {@code usage} now, from its start, as no group: it moves nobody's offsets. */
public class KafkaUsageRecords {
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration STILL = Duration.ofSeconds(30);

    private final Brokers brokers;

    public KafkaUsageRecords(Brokers brokers) {
        this.brokers = brokers;
    }

    /**
     * Each record that can be read, a tenant's in their order; one that cannot is in the ledger's store, put aside.
     *
     * @throws IllegalStateException if the brokers give nothing for 30 s though there is more
     */
    void forEach(Consumer<UsageRecord> visitor) {
        try (KafkaConsumer<byte[], byte[]> consumer = brokers.consumer(Map.of())) {
            List<TopicPartition> partitions = consumer.partitionsFor(Topics.USAGE).stream()
                    .map(KafkaUsageRecords::partition)
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long last = System.nanoTime();
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                var records = consumer.poll(POLL);
                if (!records.isEmpty()) {
                    last = System.nanoTime();
                } else if (System.nanoTime() - last > STILL.toNanos()) {
                    throw new IllegalStateException(
                            "topic " + Topics.USAGE + " gave nothing for " + STILL + ": are its brokers well?");
                }
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    read(record, visitor);
                }
            }
        }
    }

    private static void read(ConsumerRecord<byte[], byte[]> record, Consumer<UsageRecord> visitor) {
        UsageRecord usage;
        try {
            usage = UsageRecord.ofJson(record.value());
            if (usage.receipt() == null || usage.tenant() == null) {
                return;
            }
        } catch (RuntimeException unreadable) {
            return; // the consumer has put it aside, where it is counted
        }
        visitor.accept(usage);
    }

    private static TopicPartition partition(PartitionInfo info) {
        return new TopicPartition(info.topic(), info.partition());
    }
}
