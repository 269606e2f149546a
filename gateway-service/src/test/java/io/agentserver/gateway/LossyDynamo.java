package io.agentserver.gateway;

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
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands before a DynamoDB, and loses the answer of every other write: done, and told as an error that is worth a retry. The gateway notes
 * the last uses of keys in its own time; those pass.
 */
final class LossyDynamo implements AutoCloseable {
    private static final Set<String> PASSED_ON = Set.of("authorization", "x-amz-target", "x-amz-date", "content-type");

    private final HttpServer server;
    private final HttpClient http = HttpClient.newHttpClient();
    private final URI dynamo;
    private final AtomicInteger writes = new AtomicInteger();

    LossyDynamo(URI dynamo) throws IOException {
        this.dynamo = dynamo;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    int writes() {
        return writes.get();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] sent = exchange.getRequestBody().readAllBytes();
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(dynamo).POST(HttpRequest.BodyPublishers.ofByteArray(sent));
            exchange.getRequestHeaders().forEach((name, values) -> {
                if (PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                    request.header(name, values.getFirst());
                }
            });
            HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            String target = String.valueOf(exchange.getRequestHeaders().getFirst("X-Amz-Target"));
            boolean lost = (target.endsWith(".PutItem") || target.endsWith(".UpdateItem"))
                    && !new String(sent, StandardCharsets.UTF_8).contains("key-uses")
                    && writes.getAndIncrement() % 2 == 0;
            exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.0");
            exchange.sendResponseHeaders(lost ? 500 : answer.statusCode(), lost ? -1 : answer.body().length);
            if (!lost) {
                exchange.getResponseBody().write(answer.body());
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        http.close();
    }
}
