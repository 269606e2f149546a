package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.service.redis.ReplicaExit;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ReadFrom;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.netty.handler.flush.FlushConsolidationHandler;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Connections to one Redis node, or to a Redis Cluster if several are named: one for commands, which all threads share, one for
 * messages, and with a cluster one for reads that replicas may answer. They reconnect by themselves; while they are not connected, commands fail at once.
 */
public final class RedisConnections implements AutoCloseable {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(3);
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(2);
    /** Of the view of a cluster: a primary that is gone has a successor within seconds. */
    private static final Duration BETWEEN_REFRESHES = Duration.ofSeconds(2);

    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    private static final int MOST_FLUSHES_IN_ONE = 256;
    private static final RedisCodec<String, byte[]> CODEC = RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE);

    private final AbstractRedisClient client;
    private final ClientResources resources;
    private final StatefulConnection<String, byte[]> connection;
    private final RedisClusterCommands<String, byte[]> commands;
    private final RedisClusterAsyncCommands<String, byte[]> asyncCommands;
    private final StatefulConnection<String, byte[]> replicas;
    private final RedisClusterCommands<String, byte[]> replicaCommands;
    private final StatefulRedisPubSubConnection<String, String> messages;
    private final boolean isOneNode;
    private final ReplicaExit exit = new ReplicaExit(this::quit);

    private RedisConnections(RedisClient client, ClientResources resources) {
        StatefulRedisConnection<String, byte[]> node = client.connect(CODEC);
        this.client = client;
        this.resources = resources;
        this.connection = node;
        this.commands = node.sync();
        this.asyncCommands = node.async();
        this.replicas = node;
        this.replicaCommands = node.sync();
        this.messages = client.connectPubSub();
        this.isOneNode = true;
    }

    private RedisConnections(RedisClusterClient client, ClientResources resources) {
        StatefulRedisClusterConnection<String, byte[]> cluster = client.connect(CODEC);
        this.client = client;
        this.resources = resources;
        this.connection = cluster;
        this.commands = cluster.sync();
        this.asyncCommands = cluster.async();
        StatefulRedisClusterConnection<String, byte[]> stale = client.connect(CODEC);
        stale.setReadFrom(ReadFrom.REPLICA_PREFERRED);
        this.replicas = stale;
        this.replicaCommands = stale.sync();
        this.messages = client.connectPubSub();
        this.isOneNode = false;
    }

    /**
     * @param url {@code redis://host:port}, or several of one cluster with commas
     * @throws io.lettuce.core.RedisException if it cannot be reached
     * @throws IllegalArgumentException if {@code url} is none
     */
    public static RedisConnections open(String url) {
        List<RedisURI> nodes = Arrays.stream(url.split(","))
                .map(String::strip)
                .map(RedisURI::create)
                .toList();
        nodes.forEach(
                node -> node.setTimeout(COMMAND_LIMIT)); // also for a node that takes a connection and says nothing
        ClientResources resources =
                ClientResources.builder().nettyCustomizer(new FewerFlushes()).build();
        SocketOptions socket = SocketOptions.builder()
                .connectTimeout(CONNECT_LIMIT)
                .tcpNoDelay(true)
                .build();
        TimeoutOptions timeouts = TimeoutOptions.enabled(COMMAND_LIMIT);
        if (nodes.size() == 1) {
            RedisClient client = RedisClient.create(resources, nodes.getFirst());
            client.setOptions(ClientOptions.builder()
                    .socketOptions(socket)
                    .timeoutOptions(timeouts)
                    .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                    .build());
            return opened(client, resources, () -> new RedisConnections(client, resources));
        }
        RedisClusterClient client = RedisClusterClient.create(resources, nodes);
        client.setOptions(ClusterClientOptions.builder()
                .socketOptions(socket)
                .timeoutOptions(timeouts)
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                        .enableAllAdaptiveRefreshTriggers()
                        .adaptiveRefreshTriggersTimeout(BETWEEN_REFRESHES)
                        .enablePeriodicRefresh(Duration.ofSeconds(10))
                        .build())
                .build());
        return opened(client, resources, () -> new RedisConnections(client, resources));
    }

    RedisClusterCommands<String, byte[]> commands() {
        return commands;
    }

    RedisClusterAsyncCommands<String, byte[]> async() {
        return asyncCommands;
    }

    /** For reads that may be some moments behind: a cluster's replicas answer them, and its primaries where there is none. */
    RedisClusterCommands<String, byte[]> replicas() {
        return replicaCommands;
    }

    StatefulRedisPubSubConnection<String, String> messages() {
        return messages;
    }

    /** What callers are told of a command that failed. If the node has become a replica, the connections to it are made anew. */
    StoreUnavailableException failure(RuntimeException why) {
        if (!(why instanceof RedisCommandExecutionException refusal)) {
            return new StoreUnavailableException("Redis", why);
        }
        if (isOneNode) {
            exit.failed(refusal);
        }
        return StoreUnavailableException.refused("Redis", refusal);
    }

    private void quit() {
        asyncCommands.quit().whenComplete((_, _) -> {}); // answered or not, the connection ends
        messages.async().quit().whenComplete((_, _) -> {});
    }

    @Override
    public void close() {
        messages.close();
        connection.close();
        replicas.close();
        shutDown(client, resources);
    }

    private static RedisConnections opened(
            AbstractRedisClient client, ClientResources resources, Supplier<RedisConnections> open) {
        try {
            return open.get();
        } catch (RuntimeException e) {
            shutDown(client, resources);
            throw e;
        }
    }

    private static void shutDown(AbstractRedisClient client, ClientResources resources) {
        client.shutdown(Duration.ZERO, CLOSE_LIMIT);
        resources
                .shutdown(0, CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .awaitUninterruptibly(CLOSE_LIMIT.toMillis());
    }

    /**
     * Commands of many threads leave in one write where they come while answers are read, or while others wait to be written; one
     * alone leaves at once.
     */
    private static final class FewerFlushes implements NettyCustomizer {
        @Override
        public void afterChannelInitialized(Channel channel) {
            channel.pipeline().addFirst(new FlushConsolidationHandler(MOST_FLUSHES_IN_ONE, true));
        }
    }
}
