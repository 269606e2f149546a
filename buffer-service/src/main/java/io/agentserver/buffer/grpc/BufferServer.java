package io.agentserver.buffer.grpc;

import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.Setting;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The gRPC server: a virtual thread for each call, whether it came over the network or from the process that this one is in
 * ({@link GrpcAddress#inProcess}). Stopping ends watches at once and gives the other calls their time.
 */
public final class BufferServer {
    /** Outputs of one step are at most 2 MiB, an answer's history is several such. */
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(5);

    private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
    private final Wakeups wakeups;
    private final InetSocketAddress address;
    private final Server server;
    private final BindableService endpoint;
    private final ServerInterceptor identity;
    private final ServerInterceptor tracing;
    private volatile @Nullable Server inProcess;
    private volatile boolean started;

    /** @param tracing outermost: sees refused calls as well */
    public BufferServer(
            InetSocketAddress address,
            BindableService endpoint,
            ServiceTokens tokens,
            ServerInterceptor tracing,
            Wakeups wakeups) {
        this.address = address;
        this.wakeups = wakeups;
        this.endpoint = endpoint;
        this.identity = new ServiceTokenInterceptor(tokens);
        this.tracing = tracing;
        this.server = served(NettyServerBuilder.forAddress(address)
                .maxInboundMessageSize(MOST_BYTES)
                .permitKeepAliveTime(5, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true));
    }

    private Server served(ServerBuilder<?> builder) {
        return builder.executor(calls)
                .addService(endpoint)
                // the last one added sees a call first
                .intercept(identity)
                .intercept(tracing)
                .build();
    }

    /** @throws ConfigurationException if the port is taken */
    public void start() {
        try {
            server.start();
            inProcess = served(GrpcAddress.inProcess(server.getPort()).server()).start();
            started = true;
        } catch (IOException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BUFFER_PORT + "=" + address.getPort() + " cannot be listened on ("
                            + e.getMessage() + "): choose a free port",
                    e);
        }
    }

    /** Which one it listens on. */
    public int port() {
        return server.getPort();
    }

    public boolean isRunning() {
        return started && !server.isShutdown();
    }

    /** Blocks until all calls have ended, at most 5 s. */
    public void stop() {
        List<Server> running = new ArrayList<>(List.of(server));
        Server second = inProcess;
        if (second != null) {
            running.add(second);
        }
        running.forEach(Server::shutdown);
        wakeups.close();
        long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
        for (Server each : running) {
            try {
                if (!each.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    each.shutdownNow();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                each.shutdownNow();
            }
        }
        calls.shutdown();
    }
}
