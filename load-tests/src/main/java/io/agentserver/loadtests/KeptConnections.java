package io.agentserver.loadtests;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/** Whole requests, as bytes, to one server over connections that are kept. Safe on any thread. */
abstract class KeptConnections implements Exchange, AutoCloseable {
    private static final Duration LONGEST_IDLE = Duration.ofSeconds(10);

    private final URI server;
    private final ConcurrentLinkedDeque<KeepAliveConnection> idle = new ConcurrentLinkedDeque<>();
    private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();

    KeptConnections(URI server) {
        this.server = server;
    }

    /** @param problemOf what is wrong with an answer; empty: nothing */
    final boolean exchange(byte[] request, Function<KeepAliveConnection.Answer, String> problemOf) {
        KeepAliveConnection connection = null;
        try {
            connection = idle();
            if (connection == null) {
                connection = new KeepAliveConnection(server);
            }
            KeepAliveConnection.Answer answer = connection.exchange(request);
            release(connection);
            String problem = problemOf.apply(answer);
            return problem.isEmpty() || failed(problem);
        } catch (IOException e) {
            discard(connection);
            return failed(e.getClass().getSimpleName());
        }
    }

    @Override
    public Map<String, Long> takeErrors() {
        Map<String, Long> taken = new TreeMap<>();
        errors.forEach((kind, count) -> taken.put(kind, count.sumThenReset()));
        taken.values().removeIf(count -> count == 0);
        return taken;
    }

    @Override
    public void close() {
        for (KeepAliveConnection connection = idle.poll(); connection != null; connection = idle.poll()) {
            discard(connection);
        }
    }

    private boolean failed(String kind) {
        errors.computeIfAbsent(kind, k -> new LongAdder()).increment();
        return false;
    }

    /** The one that was used last. Those that a burst has left are closed in time: a server closes them too, while a request is on its way. */
    private @Nullable KeepAliveConnection idle() {
        KeepAliveConnection connection = idle.pollFirst();
        while (connection != null && connection.isIdleFor(LONGEST_IDLE)) {
            discard(connection);
            connection = idle.pollFirst();
        }
        return connection;
    }

    private void release(KeepAliveConnection connection) {
        if (connection.isReusable()) {
            idle.addFirst(connection);
        } else {
            discard(connection);
        }
    }

    private static void discard(@Nullable KeepAliveConnection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (IOException e) {
            System.err.println("a connection did not close: " + e);
        }
    }
}
