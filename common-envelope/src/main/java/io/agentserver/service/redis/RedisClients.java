package io.agentserver.service.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import io.lettuce.core.event.command.CommandFailedEvent;
import io.lettuce.core.event.command.CommandListener;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * One shared connection to one node, or to a cluster if several nodes are named. It comes back by itself; while it is
 * away commands fail at once instead of waiting for it, and no command waits longer than 2 s for its answer. Safe on any
 * thread. One node that has become a replica is left for the one that its name leads to by then ({@link ReplicaExit}).
 *
 * @param closing what {@link #close} does
 * @param async the same connection; what one thread sends over it, to one node, is carried out in that order
 */
public record RedisClients(
        Runnable closing,
        RedisClusterCommands<String, String> commands,
        RedisClusterAsyncCommands<String, String> async)
        implements AutoCloseable {
    /** Of the view of a cluster: a primary that is gone has a successor within seconds. */
    private static final Duration BETWEEN_REFRESHES = Duration.ofSeconds(2);

    private static final Duration LONGEST_COMMAND = Duration.ofSeconds(2);

    /** Tells of each command that one node refused. */
    private record Refusals(ReplicaExit exit) implements CommandListener {
        @Override
        public void commandFailed(CommandFailedEvent event) {
            exit.failed(event.getCause());
        }
    }

    /** Not connected yet. */
    private record Unconnected(AbstractRedisClient client, Supplier<RedisClients> open) {}

    /**
     * @throws io.lettuce.core.RedisException if none answers in time
     * @throws IllegalArgumentException if it is no URL
     */
    public static RedisClients connect(String urls, Duration patience) {
        Unconnected unconnected = unconnected(urls, patience);
        try {
            return unconnected.open().get();
        } catch (RuntimeException unreachable) {
            unconnected.client().shutdown();
            throw unreachable;
        }
    }

    /**
     * Also if none answers yet: then every command fails until one does, as it would later while Redis is away.
     *
     * @param patience how long the first try may take
     * @throws IllegalArgumentException if it is no URL
     */
    public static RedisClients connectWhenThere(String urls, Duration patience) {
        Unconnected unconnected = unconnected(urls, patience);
        try {
            return unconnected.open().get();
        } catch (RedisException away) {
            LateConnection late = new LateConnection(unconnected.open(), away).start();
            return new RedisClients(
                    () -> {
                        late.close();
                        shutDown(unconnected.client());
                    },
                    late.commands(),
                    late.async());
        }
    }

    private static Unconnected unconnected(String urls, Duration patience) {
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
            AtomicReference<RedisAsyncCommands<String, String>> connected = new AtomicReference<>();
            // before there is a connection, for only later ones tell it
            client.addListener(new Refusals(new ReplicaExit(() -> quit(connected.get()))));
            return new Unconnected(client, () -> {
                StatefulRedisConnection<String, String> node = client.connect();
                connected.set(node.async());
                return new RedisClients(() -> shutDown(client), node.sync(), node.async());
            });
        }
        RedisClusterClient client = RedisClusterClient.create(nodes);
        client.setOptions(ClusterClientOptions.builder()
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .timeoutOptions(timeouts)
                .socketOptions(socket)
                .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                        .enableAllAdaptiveRefreshTriggers()
                        .adaptiveRefreshTriggersTimeout(BETWEEN_REFRESHES)
                        .enablePeriodicRefresh(Duration.ofSeconds(10))
                        .build())
                .build());
        return new Unconnected(client, () -> {
            StatefulRedisClusterConnection<String, String> cluster = client.connect();
            return new RedisClients(() -> shutDown(client), cluster.sync(), cluster.async());
        });
    }

    private static void quit(@Nullable RedisAsyncCommands<String, String> connected) {
        if (connected != null) {
            connected.quit().whenComplete((_, _) -> {}); // answered or not, the connection ends
        }
    }

    @Override
    public void close() {
        closing.run();
    }

    private static void shutDown(AbstractRedisClient client) {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
}
