package io.agentserver.gateway.tenants;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.Topics;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Tells every pod what the table says. {@link #publish} returns when the topic has the entry and this pod's own directory has
 * read it back; the others read the same topic. A heartbeat every second, on a thread of its own, tells them that nothing
 * was missed. Publishing an entry again is harmless: a directory keeps the highest revision.
 */
public final class TenantsTopic implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TenantsTopic.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Producer<byte[], byte[]> producer;
    private final TenantDirectory directory;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ScheduledExecutorService heart = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("tenants-heartbeat").daemon().factory());

    public TenantsTopic(Producer<byte[], byte[]> producer, TenantDirectory directory, Clock clock) {
        this.producer = producer;
        this.directory = directory;
        this.clock = clock;
    }

    public TenantsTopic start() {
        directory.onChange(_ -> heard());
        directory.onRemoval(_ -> heard());
        var _ = heart.scheduleAtFixedRate(this::beat, 0, 1, TimeUnit.SECONDS);
        return this;
    }

    private void heard() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * A version goes before the entry that names it.
     *
     * @throws Unavailable if the topic did not take it in time
     */
    public void publish(OrganismEntry organism) {
        send(OrganismEntry.key(new TenantId(organism.tenant()), organism.version()), organism.toJson());
    }

    /** No pod keeps this version any more. Idempotent: a version's number never comes again. */
    public void retire(TenantId tenant, long version) {
        send(OrganismEntry.key(tenant, version), null);
    }

    /** That there is no such tenant any more, nor these versions of its organism. As {@link #publish(TenantEntry)}. */
    public void publishDeletion(TenantId tenant, Collection<Long> versions) {
        for (long version : versions) {
            send(OrganismEntry.key(tenant, version), null);
        }
        send(tenant.value(), null);
        await(() -> directory.find(tenant).isEmpty());
    }

    /** @throws Unavailable if the topic did not take it, or this pod's directory did not hear of it, in time */
    public void publish(TenantEntry entry) {
        send(entry.id(), entry.toJson());
        await(() -> knows(entry));
    }

    private void await(BooleanSupplier heard) {
        long rest = PATIENCE.toNanos();
        lock.lock();
        try {
            while (!heard.getAsBoolean()) {
                if (rest <= 0) {
                    throw new Unavailable(
                            "the change is made, but the tenant directory did not hear of it in time; try again", null);
                }
                rest = changed.awaitNanos(rest);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether this pod's directory has the entry, or a newer one. Of an equal revision it may have another: an older gateway
     * publishes again what it has read, without what it does not know.
     */
    boolean knows(TenantEntry entry) {
        return directory
                .find(entry.tenantId())
                .filter(known -> known.revision() > entry.revision() || known.equals(entry))
                .isPresent();
    }

    @Override
    public void close() {
        heart.shutdownNow();
    }

    private void beat() {
        byte[] now = clock.instant().toString().getBytes(StandardCharsets.UTF_8);
        try {
            var _ = producer.send( // its failure comes to the callback
                    new ProducerRecord<>(
                            Topics.TENANTS, TenantDirectory.HEARTBEAT.getBytes(StandardCharsets.UTF_8), now),
                    (metadata, failure) -> {
                        if (failure != null) {
                            LOG.warn("a heartbeat of the tenants topic was lost: {}", failure.toString());
                        }
                    });
        } catch (KafkaException | IllegalStateException e) {
            // a scheduled task that throws is never run again
            LOG.warn("a heartbeat of the tenants topic could not be sent: {}", e.toString());
        }
    }

    private void send(String key, byte @Nullable [] value) {
        try {
            producer.send(new ProducerRecord<>(Topics.TENANTS, key.getBytes(StandardCharsets.UTF_8), value))
                    .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw new Unavailable("the change may be made, but the log did not acknowledge it; try again", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }
}
