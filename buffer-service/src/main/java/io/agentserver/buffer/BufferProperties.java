package io.agentserver.buffer;

import io.agentserver.buffer.journal.Limits;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.util.unit.DataSize;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * The buffer's settings.
 *
 * @param bind address that gRPC listens on
 * @param port of gRPC; 0: any free one
 * @param store memory, redis or tiered
 * @param redisUrl where Redis is; needed for redis and tiered
 * @param dynamodbUrl DynamoDB's endpoint; empty: the AWS region's own
 * @param ttl how long a conversation is kept after its last activity, if its tenant has no retention of its own
 * @param kafka host:port of the brokers, which tell of tenants' own; empty: no tenant has one
 * @param kafkaProperties file: TLS and user of the Kafka clients; empty: plain text
 * @param startPatience how long a start waits for the brokers
 * @param cache how much memory remembered conversations may take; 0: an eighth of the heap
 * @param threadSlots the most slots of one thread; 0: any number
 * @param conversationBytes the most of one conversation; 0: any
 * @param tenantBytes the most of all conversations of a tenant; 0: any
 * @param platformKey file with the platform's keys, which service tokens are verified by
 * @param backup where conversations are backed up
 */
@ConfigurationProperties("agentserver.buffer")
public record BufferProperties(
        String bind,
        int port,
        String store,
        String redisUrl,
        String dynamodbUrl,
        Duration ttl,
        String kafka,
        String kafkaProperties,
        Duration startPatience,
        DataSize cache,
        int threadSlots,
        DataSize conversationBytes,
        DataSize tenantBytes,
        String platformKey,
        BackupProperties backup) {

    public BufferProperties {
        if (Arrays.stream(StoreMode.values())
                .noneMatch(mode -> mode.name().toLowerCase(Locale.ROOT).equals(store))) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BUFFER_STORE + "=" + store + " is no store: set memory, redis or tiered");
        }
        if (!store.equals("memory") && redisUrl.isBlank()) {
            throw new ConfigurationException(Setting.AGENTSERVER_REDIS_URL + " is not set and "
                    + Setting.AGENTSERVER_BUFFER_STORE + "=" + store + " needs it: set redis://host:port");
        }
        if (ttl.compareTo(Duration.ofMinutes(1)) < 0) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BUFFER_TTL + "=" + ttl + " is too short: set at least 1m");
        }
        Duration needed = ttl.plusHours(24).plus(backup.period());
        if (backup.isSet() && backup.kept().compareTo(needed) < 0) {
            throw new ConfigurationException(Setting.AGENTSERVER_BACKUP_KEPT + "=" + backup.kept()
                    + " is too short: what can still be read would be in no backup; set at least " + needed
                    + ", which is "
                    + Setting.AGENTSERVER_BUFFER_TTL + ", 24h and " + Setting.AGENTSERVER_BACKUP_PERIOD);
        }
        if (threadSlots < 0 || conversationBytes.isNegative() || tenantBytes.isNegative()) {
            throw new ConfigurationException(Setting.AGENTSERVER_BUFFER_THREAD_SLOTS + "=" + threadSlots + ", "
                    + Setting.AGENTSERVER_BUFFER_CONVERSATION_BYTES + "=" + conversationBytes + ", "
                    + Setting.AGENTSERVER_BUFFER_TENANT_BYTES + "=" + tenantBytes
                    + ": none may be less than 0; 0 is no limit");
        }
        if (port < 0 || port > 65_535) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BUFFER_PORT + "=" + port + " is no port: set 1 to 65535");
        }
        if (platformKey.isBlank()) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_PLATFORM_KEY + " is not set: name the file of the platform's keys");
        }
    }

    /** For a command, which has no Spring to read them and serves nobody: the same names and defaults as in {@code buffer.yml}. */
    static BufferProperties of(Map<String, String> environment) {
        BinaryOperator<String> text = environment::getOrDefault;
        return new BufferProperties(
                "",
                0,
                text.apply(Setting.AGENTSERVER_BUFFER_STORE.name(), "tiered"),
                text.apply(Setting.AGENTSERVER_REDIS_URL.name(), ""),
                text.apply(Setting.AGENTSERVER_DYNAMODB_URL.name(), ""),
                duration(environment, Setting.AGENTSERVER_BUFFER_TTL, Duration.ofHours(24)),
                text.apply(Setting.AGENTSERVER_KAFKA.name(), ""),
                text.apply(Setting.AGENTSERVER_KAFKA_PROPERTIES.name(), ""),
                Duration.ofSeconds(10),
                DataSize.ofBytes(0),
                0,
                DataSize.ofBytes(0),
                DataSize.ofBytes(0),
                "none",
                new BackupProperties(
                        text.apply(Setting.AGENTSERVER_BACKUP_BUCKET.name(), ""),
                        text.apply(Setting.AGENTSERVER_BACKUP_PREFIX.name(), ""),
                        text.apply(Setting.AGENTSERVER_BACKUP_REGION.name(), ""),
                        text.apply(Setting.AGENTSERVER_S3_URL.name(), ""),
                        duration(environment, Setting.AGENTSERVER_BACKUP_PERIOD, BackupProperties.NONE.period()),
                        duration(environment, Setting.AGENTSERVER_BACKUP_KEPT, BackupProperties.NONE.kept())));
    }

    private static Duration duration(Map<String, String> environment, Setting setting, Duration otherwise) {
        String text = environment.getOrDefault(setting.name(), "");
        try {
            return text.isBlank() ? otherwise : DurationStyle.detectAndParse(text);
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(setting + "=" + text + " is no time: set 24h, for example", e);
        }
    }

    Limits limits() {
        return new Limits(threadSlots, conversationBytes.toBytes(), tenantBytes.toBytes());
    }

    StoreMode mode() {
        return StoreMode.valueOf(store.toUpperCase(Locale.ROOT));
    }

    Path platformKeyFile() {
        return Path.of(platformKey);
    }

    long cacheBytes() {
        return cache.toBytes() > 0 ? cache.toBytes() : Runtime.getRuntime().maxMemory() / 8;
    }
}
