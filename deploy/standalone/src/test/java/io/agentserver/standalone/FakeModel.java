package io.agentserver.standalone;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/** Somebody's OpenAI-compatible server: answers {@code pong}, or what it is told, when it is let; remembers the headers it was sent. */
final class FakeModel implements AutoCloseable {
    record Call(String traceparent, String authorization) {}

    private final HttpServer server;
    private final String said;
    private final List<Call> calls = new CopyOnWriteArrayList<>();
    private final Semaphore answers = new Semaphore(Integer.MAX_VALUE);

    private FakeModel(HttpServer server, String said) {
        this.server = server;
        this.said = said;
    }

    static FakeModel start() throws IOException {
        return start("pong");
    }

    static FakeModel start(String said) throws IOException {
        FakeModel model =
                new FakeModel(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), said);
        model.server.createContext("/v1/chat/completions", model::answer);
        model.server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        model.server.start();
        return model;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    }

    List<Call> calls() {
        return calls;
    }

    /** From now on calls wait. */
    void hold() {
        answers.drainPermits();
    }

    void release() {
        answers.release(1_000_000);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        calls.add(new Call(
                String.valueOf(exchange.getRequestHeaders().getFirst("traceparent")),
                String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"))));
        try {
            answers.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        String chunk = "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":";
        byte[] body = ("data: " + chunk + "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"" + said
                        + "\"}}]}\n\n"
                        + "data: " + chunk + "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                        + "data: " + chunk
                        + "[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14}}\n\n"
                        + "data: [DONE]\n\n")
                .getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
