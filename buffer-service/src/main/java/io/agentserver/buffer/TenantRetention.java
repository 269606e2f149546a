package io.agentserver.buffer;

import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/**
 * What the tenants' entries say; the platform's time for those that say nothing, and for whoever has no entry, not yet or not any
 * more. Known when the topic {@code tenants} has been read to its end once; from then on what was read last holds, though Kafka be
 * away. Without a Kafka to read it from the platform's time is everybody's. Safe on any thread.
 */
final class TenantRetention implements Retention, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TenantRetention.class);
    private static final Duration POLL = Duration.ofMillis(50);

    private final Duration platforms;
    private final @Nullable TenantDirectory directory;

    TenantRetention(Duration platforms, @Nullable TenantDirectory directory) {
        this.platforms = platforms;
        this.directory = directory;
    }

    /** Begins to read. */
    static TenantRetention open(BufferProperties properties) {
        if (properties.kafka().isBlank()) {
            log.info(
                    "{} is not set, so no tenant's own retention is known: conversations of all are kept for {}",
                    Setting.AGENTSERVER_KAFKA,
                    properties.ttl());
            return new TenantRetention(properties.ttl(), null);
        }
        Brokers brokers = Brokers.of(properties.kafka(), properties.kafkaProperties());
        brokers.requireAnswer(properties.startPatience());
        return new TenantRetention(properties.ttl(), new TenantDirectory(brokers).start());
    }

    @Override
    public Duration of(TenantId tenant) {
        if (directory == null) {
            return platforms;
        }
        if (!directory.isCaughtUp()) {
            throw StoreUnavailableException.unread("how long tenants' conversations are kept has");
        }
        return directory.find(tenant).flatMap(TenantEntry::retention).orElse(platforms);
    }

    boolean isKnown() {
        return directory == null || directory.isCaughtUp();
    }

    /** @throws ConfigurationException if it is not known by then */
    void awaitKnown(Duration patience) {
        long begun = System.nanoTime();
        try {
            while (!isKnown()) {
                if (System.nanoTime() - begun > patience.toNanos()) {
                    throw new ConfigurationException("the topic of the tenants could not be read from "
                            + Setting.AGENTSERVER_KAFKA + " in " + patience.toSeconds()
                            + " s: start a gateway, which makes it, or unset that, and all have the retention "
                            + Setting.AGENTSERVER_BUFFER_TTL + "=" + platforms);
                }
                Thread.sleep(POLL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while reading the tenants", e);
        }
    }

    @Override
    public void close() {
        if (directory != null) {
            directory.close();
        }
    }
}
