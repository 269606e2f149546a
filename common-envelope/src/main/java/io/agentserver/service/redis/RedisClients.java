package io.agentserver.service.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * One shared connection to one node, or to a cluster if several nodes are named. It comes back by itself; while it is
 * away commands fail at once instead of waiting for it, and no command waits longer than 2 s for its answer. Safe on any
 * thread.
 *
 * @param async the same connection; what one thread sends over it, to one node, is carried out in that order
 */
public record RedisClients(
        AbstractRedisClient client,
        RedisClusterCommands<String, String> commands,
        RedisClusterAsyncCommands<String, String> async)
        implements AutoCloseable {
    private static final Duration LONGEST_COMMAND = Duration.ofSeconds(2);

    /**
     * @throws io.lettuce.core.RedisException if none answers in time
     * @throws IllegalArgumentException if it is no URL
     */
    public static RedisClients connect(String urls, Duration patience) {
        List<RedisURI> nodes = Arrays.stream(urls.split(",", -1))
                .map(String::strip)
                .map(RedisURI::create)
                .toList();
        nodes.forEach(node -> node.setTimeout(patience));
        SocketOptions socket = SocketOptions.builder().connectTimeout(patience).build();
        TimeoutOptions timeouts = TimeoutOptions.enabled(LONGEST_COMMAND);
        if (nodes.size() == 1) {
            RedisClient client = RedisClient.create(nodes.getFirst());
            client.setOptions(ClientOptions.builder()
                    .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                    .timeoutOptions(timeouts)
                    .socketOptions(socket)
                    .build());
            return opened(client, () -> {
                StatefulRedisConnection<String, String> node = client.connect();
                return new RedisClients(client, node.sync(), node.async());
            });
        }
        RedisClusterClient client = RedisClusterClient.create(nodes);
        client.setOptions(ClusterClientOptions.builder()
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .timeoutOptions(timeouts)
                .socketOptions(socket)
                .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                        .enableAllAdaptiveRefreshTriggers()
                        .enablePeriodicRefresh(Duration.ofSeconds(10))
                        .build())
                .build());
        return opened(client, () -> {
            StatefulRedisClusterConnection<String, String> cluster = client.connect();
            return new RedisClients(client, cluster.sync(), cluster.async());
        });
    }

    @Override
    public void close() {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }

    private static RedisClients opened(AbstractRedisClient client, Supplier<RedisClients> open) {
        try {
            return open.get();
        } catch (RuntimeException unreachable) {
            client.shutdown();
            throw unreachable;
        }
    }
}
