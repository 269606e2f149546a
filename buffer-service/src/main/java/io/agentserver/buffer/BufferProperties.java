package io.agentserver.buffer;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * The buffer's settings.
 *
 * @param bind address that gRPC listens on
 * @param port of gRPC; 0: any free one
 * @param store memory, redis or tiered
 * @param redisUrl where Redis is; needed for redis and tiered
 * @param dynamodbUrl DynamoDB's endpoint; empty: the AWS region's own
 * @param ttl how long a conversation is kept after its last activity
 * @param cache how much memory remembered conversations may take; 0: an eighth of the heap
 * @param platformKey file with the platform's keys, which service tokens are verified by
 */
@ConfigurationProperties("agentserver.buffer")
public record BufferProperties(
        String bind,
        int port,
        String store,
        String redisUrl,
        String dynamodbUrl,
        Duration ttl,
        DataSize cache,
        String platformKey) {

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
        if (port < 0 || port > 65_535) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BUFFER_PORT + "=" + port + " is no port: set 1 to 65535");
        }
        if (platformKey.isBlank()) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_PLATFORM_KEY + " is not set: name the file of the platform's keys");
        }
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
