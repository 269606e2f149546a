package io.agentserver.loadtests;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** POSTs to one server over connections that are kept; each answer must have what its request asked to have back. */
abstract class HttpExchanges implements Exchange, AutoCloseable {
    private final URI server;
    private final ConcurrentLinkedDeque<KeepAliveConnection> idle = new ConcurrentLinkedDeque<>();
    private final AtomicLong numbers = new AtomicLong();
    private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();

    /** @param expected what the body of a right answer contains */
    record Request(String path, Map<String, String> headers, String body, int status, String expected) {}

    HttpExchanges(URI server) {
        this.server = server;
    }

    /** The next one, different from all before. */
    abstract Request request(long number);

    @Override
    public boolean hold() {
        Request request = request(numbers.incrementAndGet());
        KeepAliveConnection connection = null;
        try {
            connection = idle.pollFirst();
            if (connection == null) {
                connection = new KeepAliveConnection(server);
            }
            KeepAliveConnection.Answer answer = connection.exchange(bytes(request));
            release(connection);
            if (answer.status() != request.status()) {
                return failed("status " + answer.status());
            }
            return answer.body().contains(request.expected()) || failed("another text");
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

    private byte[] bytes(Request request) {
        StringBuilder head = new StringBuilder("POST ").append(request.path()).append(" HTTP/1.1\r\nHost: ");
        head.append(server.getAuthority()).append("\r\n");
        request.headers()
                .forEach((name, value) ->
                        head.append(name).append(": ").append(value).append("\r\n"));
        head.append("Content-Length: ").append(request.body().length()).append("\r\n\r\n");
        return head.append(request.body()).toString().getBytes(StandardCharsets.US_ASCII);
    }

    private boolean failed(String kind) {
        errors.computeIfAbsent(kind, k -> new LongAdder()).increment();
        return false;
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
