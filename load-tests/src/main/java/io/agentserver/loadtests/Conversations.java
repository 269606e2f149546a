package io.agentserver.loadtests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Conversations of one message each: POSTed with {@code Prefer: wait}, over when the response with this message's own
 * text is back. Anything else is an error, by its kind. Safe on any thread.
 */
final class Conversations implements AutoCloseable {
    static final String ORGANISM = """
            organism: {name: benchmark}
            listeners:
              - name: echo
                description: Answers with what it got.
                handler: builtin:echo
                payload: {root: Ping, fields: {Text: string}}
            """;

    private static final String FILL = "some text of a usual length, ".repeat(8);

    private final Platform platform;
    private final ConcurrentLinkedDeque<KeepAliveConnection> idle = new ConcurrentLinkedDeque<>();
    private final AtomicLong numbers = new AtomicLong();
    private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();

    Conversations(Platform platform) {
        this.platform = platform;
    }

    /** Blocks until it is over; true if it was answered rightly. */
    boolean hold() {
        String text = "ping " + numbers.incrementAndGet() + " " + System.nanoTime();
        KeepAliveConnection connection = null;
        try {
            connection = idle.pollFirst();
            if (connection == null) {
                connection = new KeepAliveConnection(platform.gateway);
            }
            KeepAliveConnection.Answer answer = connection.exchange(request(text));
            release(connection);
            if (answer.status() != 200) {
                return failed("status " + answer.status());
            }
            return answer.body().contains(text) || failed("another text");
        } catch (IOException e) {
            discard(connection);
            return failed(e.getClass().getSimpleName());
        }
    }

    /** By kind, since the last call. */
    Map<String, Long> takeErrors() {
        Map<String, Long> taken = new java.util.TreeMap<>();
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

    private byte[] request(String text) {
        String body = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>bench</from>"
                + "<to>echo</to></meta><Ping xmlns=\"\"><Text>" + text + " " + FILL + "</Text></Ping></message>";
        return ("POST /v1/messages HTTP/1.1\r\nHost: " + platform.gateway.getAuthority() + "\r\nAuthorization: Bearer "
                        + platform.key + "\r\nContent-Type: application/xml\r\nPrefer: wait=30\r\nContent-Length: "
                        + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
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

    private static void discard(@org.jspecify.annotations.Nullable KeepAliveConnection connection) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (IOException e) {
            System.err.println("a connection did not close: " + e);
        }
    }
}
