package io.agentserver.buffer.journal;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Stands before a DynamoDB, and answers as the real one does on its bad days. */
final class FaultyDynamo implements AutoCloseable {
    private static final Set<String> PASSED_ON = Set.of("authorization", "x-amz-target", "x-amz-date", "content-type");
    private static final Pattern ATTEMPT = Pattern.compile("attempt=(\\d+); max=(\\d+)");
    private static final String TYPE = "com.amazonaws.dynamodb.v20120810#";

    private final HttpServer server;
    private final HttpClient http = HttpClient.newHttpClient();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicInteger faults = new AtomicInteger();
    private final URI dynamo;
    private volatile Plan plan = _ -> Fault.NONE;

    /** What becomes of a request. */
    enum Fault {
        NONE,
        /** The table's or the partition's rate is spent: nothing is done. */
        THROTTLED,
        /** Likewise the account's. */
        THROTTLED_ACCOUNT,
        /** Nothing is done. */
        BROKEN,
        /** It is done, and the connection breaks before the answer. */
        ANSWER_LOST,
        /** It is done, and there is no answer for as long as anybody waits. */
        SILENT
    }

    /**
     * @param action as {@code PutItem}
     * @param attempt of the same call, from 1 on
     * @param attempts that the SDK makes at most
     */
    record Asked(String action, String body, int attempt, int attempts) {
        boolean isLastAttempt() {
            return attempt >= attempts;
        }
    }

    /** Asked for each request, on many threads. */
    interface Plan {
        Fault of(Asked asked);
    }

    FaultyDynamo(URI dynamo) throws IOException {
        this.dynamo = dynamo;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void plan(Plan next) {
        plan = next;
    }

    /** How many requests have had another end than their own. */
    int faults() {
        return faults.get();
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        http.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Fault fault = plan.of(asked(exchange, body));
            if (fault != Fault.NONE) {
                faults.incrementAndGet();
            }
            switch (fault) {
                case NONE -> {
                    HttpResponse<byte[]> answer = forward(exchange, body);
                    send(exchange, answer.statusCode(), answer.body());
                }
                case THROTTLED -> refuse(exchange, 400, TYPE + "ProvisionedThroughputExceededException");
                case THROTTLED_ACCOUNT -> refuse(exchange, 400, "com.amazon.coral.availability#ThrottlingException");
                case BROKEN -> refuse(exchange, 500, TYPE + "InternalServerError");
                case ANSWER_LOST -> forward(exchange, body);
                case SILENT -> {
                    forward(exchange, body);
                    closed.await();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Asked asked(HttpExchange exchange, byte[] body) {
        String target = String.valueOf(exchange.getRequestHeaders().getFirst("X-Amz-Target"));
        Matcher attempt =
                ATTEMPT.matcher(String.valueOf(exchange.getRequestHeaders().getFirst("Amz-Sdk-Request")));
        if (!attempt.find()) {
            throw new IllegalStateException("the SDK does not say which attempt this is");
        }
        return new Asked(
                target.substring(target.lastIndexOf('.') + 1),
                new String(body, StandardCharsets.UTF_8),
                Integer.parseInt(attempt.group(1)),
                Integer.parseInt(attempt.group(2)));
    }

    private HttpResponse<byte[]> forward(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(dynamo).POST(HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                request.header(name, values.getFirst());
            }
        });
        return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static void refuse(HttpExchange exchange, int status, String type) throws IOException {
        send(
                exchange,
                status,
                ("{\"__type\":\"" + type + "\",\"message\":\"told so\"}").getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.0");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }
}
