package io.agentserver.billing.console;

import io.agentserver.billing.TestStores;
import io.agentserver.log.Topics;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/** The {@code tenants} topic with a heartbeat, as the gateway keeps it. */
public final class TenantsOnTopic implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", TestStores.kafka(), "acks", "all"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    private final Thread heart = Thread.ofVirtual().unstarted(this::beat);

    public TenantsOnTopic() {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", TestStores.kafka()))) {
            admin.createTopics(List.of(
                            new NewTopic(Topics.TENANTS, 1, (short) 1).configs(Map.of("cleanup.policy", "compact"))))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw new AssertionError(e);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        heart.start();
    }

    public void put(String tenant, TenantEntry.Key... keys) {
        TenantEntry entry =
                new TenantEntry(tenant, "Org " + tenant, "dev", 1, Instant.EPOCH, 0, List.of(keys), List.of());
        try {
            send(tenant, entry.toJson());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static TenantEntry.Key key(ApiKey secret, Set<String> scopes, @Nullable Instant expires) {
        return new TenantEntry.Key(
                secret.hash().substring(0, 8), "test", secret.hash(), scopes, Instant.EPOCH, expires, null);
    }

    @Override
    public void close() {
        heart.interrupt();
        try {
            heart.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        producer.close();
    }

    private void beat() {
        try {
            while (true) {
                send(TenantDirectory.HEARTBEAT, "{}".getBytes(StandardCharsets.UTF_8));
                Thread.sleep(Duration.ofSeconds(1));
            }
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    private void send(String key, byte[] value) throws InterruptedException {
        try {
            producer.send(new ProducerRecord<>(Topics.TENANTS, key.getBytes(StandardCharsets.UTF_8), value))
                    .get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }
}
