package io.agentserver.standalone;

import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** A tenant's own agent that calls whom it pleases, whether that is among its peers or not; what it is answered it passes on. */
final class ClerkService implements AutoCloseable {
    private final HttpServer server;
    private volatile String callee = "";

    private ClerkService(HttpServer server) {
        this.server = server;
    }

    static ClerkService start() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ClerkService clerk = new ClerkService(server);
        server.createContext("/", exchange -> {
            String message = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String answer = message.contains("<Task")
                    ? "<Secret to=\"" + clerk.callee + "\"><Text>open</Text></Secret>"
                    : "<Done><Text>it was answered</Text></Done>";
            exchange.sendResponseHeaders(200, answer.length());
            exchange.getResponseBody().write(answer.getBytes(StandardCharsets.UTF_8));
            exchange.close();
        });
        server.start();
        return clerk;
    }

    /** From now on it calls this one. */
    void calls(String listener) {
        callee = listener;
    }

    /**
     * The clerk, a model's agent that says {@code <Secret>}, and the vault that takes it.
     *
     * @param peers of both, as YAML; empty: none are listed
     * @param model that says it
     */
    String organism(String peers, String model) {
        String listed = peers.isEmpty() ? "" : "peers: " + peers;
        return """
                organism: {name: test, limits: {hops: 8}}
                listeners:
                  - name: clerk
                    description: Does a task.
                    agent: true
                    handler: http
                    url: http://127.0.0.1:%d/
                    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                    payload: {root: Task, fields: {Text: string}}
                    %s
                  - name: talker
                    description: Says what it is asked.
                    agent: true
                    handler: llm
                    prompt: Answer.
                    model: %s
                    payload: {root: Ask, fields: {Text: string}}
                    %s
                  - name: vault
                    description: Opens.
                    handler: builtin:echo
                    payload: {root: Secret, fields: {Text: string}}
                """.formatted(server.getAddress().getPort(), listed, model, listed);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
