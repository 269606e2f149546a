package io.agentserver.gateway.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** What the topic {@code tenants} still holds, as whoever reads its files would find it. Blocks; safe on any thread. */
public final class TenantRecords {
    /** After that a record which another has overtaken is gone; Kafka's own default is never. */
    public static final String LAG = "600000";

    public static final String LONGEST_LAG = "max.compaction.lag.ms";
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Admin admin;
    private final Supplier<Consumer<byte[], byte[]>> consumers;

    /** @param consumers each of no group */
    public TenantRecords(Admin admin, Supplier<Consumer<byte[], byte[]>> consumers) {
        this.admin = admin;
        this.consumers = consumers;
    }

    /** How many records with content the topic has of a tenant, those that others have overtaken included. */
    public long count(TenantId tenant) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        long found = 0;
        TopicPartition partition = new TopicPartition(Topics.TENANTS, 0);
        try (Consumer<byte[], byte[]> consumer = consumers.get()) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = Objects.requireNonNull(
                    consumer.endOffsets(List.of(partition)).get(partition));
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    String key = new String(record.key(), StandardCharsets.UTF_8);
                    if (record.value() != null && (key.equals(tenant.value()) || key.startsWith(tenant + "@"))) {
                        found++;
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new Unavailable("topic " + Topics.TENANTS + " could not be read to its end in time", null);
                }
            }
            return found;
        } catch (KafkaException e) {
            throw new Unavailable("the log does not answer", e);
        }
    }

    /** Has an older installation's topic forget too; whatever an operator has set stays. */
    public void ensureCompaction() {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, Topics.TENANTS);
        try {
            ConfigEntry lag = Objects.requireNonNull(admin.describeConfigs(List.of(topic))
                            .all()
                            .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                            .get(topic))
                    .get(LONGEST_LAG);
            if (lag == null || lag.source() != ConfigEntry.ConfigSource.DEFAULT_CONFIG) {
                return;
            }
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(new AlterConfigOp(new ConfigEntry(LONGEST_LAG, LAG), AlterConfigOp.OpType.SET))))
                    .all()
                    .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new Unavailable(
                    "topic " + Topics.TENANTS + " keeps what is deleted until its " + LONGEST_LAG + " is set, and that"
                            + " failed",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }
}
