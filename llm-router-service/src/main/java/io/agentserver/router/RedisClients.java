package io.agentserver.router;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * One shared connection to one node, or to a cluster if several nodes are named. It comes back by itself; while it is
 * away commands fail at once instead of waiting for it. Safe on any thread.
 */
record RedisClients(AbstractRedisClient client, RedisClusterCommands<String, String> commands)
        implements AutoCloseable {
    private static final Duration LONGEST_COMMAND = Duration.ofSeconds(2);

    /**
     * @throws io.lettuce.core.RedisException if none answers in time
     * @throws IllegalArgumentException if it is no URL
     */
    static RedisClients connect(String urls, Duration patience) {
        List<RedisURI> nodes = Arrays.stream(urls.split(",", -1))
                .map(String::strip)
                .map(RedisURI::create)
                .toList();
        nodes.forEach(node -> node.setTimeout(patience));
        SocketOptions socket = SocketOptions.builder().connectTimeout(patience).build();
        if (nodes.size() == 1) {
            RedisClient client = RedisClient.create(nodes.getFirst());
            client.setOptions(ClientOptions.builder()
                    .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                    .timeoutOptions(TimeoutOptions.enabled(LONGEST_COMMAND))
                    .socketOptions(socket)
                    .build());
            try {
                return new RedisClients(client, client.connect().sync());
            } catch (RuntimeException unreachable) {
                client.shutdown();
                throw unreachable;
            }
        }
        RedisClusterClient client = RedisClusterClient.create(nodes);
        client.setOptions(ClusterClientOptions.builder()
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .timeoutOptions(TimeoutOptions.enabled(LONGEST_COMMAND))
                .socketOptions(socket)
                .build());
        try {
            return new RedisClients(client, client.connect().sync());
        } catch (RuntimeException unreachable) {
            client.shutdown();
            throw unreachable;
        }
    }

    @Override
    public void close() {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
}
