package io.agentserver.standalone;

import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A service that takes whatever it is handed, and answers when the test wants it to. */
final class LateService implements AutoCloseable {
    private final HttpServer server;
    private final BlockingQueue<String> tokens = new LinkedBlockingQueue<>();

    private LateService(HttpServer server) {
        this.server = server;
    }

    /** @param beforeItsAnswer is given the token of each message before the 202 is sent */
    static LateService start(Consumer<String> beforeItsAnswer) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        LateService service = new LateService(server);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            String token = exchange.getRequestHeaders().getFirst("agentserver-respond-token");
            beforeItsAnswer.accept(token);
            exchange.sendResponseHeaders(202, -1);
            exchange.close();
            service.tokens.add(token);
        });
        server.start();
        return service;
    }

    /** Of the next message that it has taken. */
    String token() throws InterruptedException {
        return Objects.requireNonNull(tokens.poll(30, TimeUnit.SECONDS), "no message came within 30 s");
    }

    String organism(String timeout) {
        return """
            organism: {name: test}
            listeners:
              - name: approver
                description: Asks a person.
                handler: http
                url: http://127.0.0.1:%d/
                secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                payload: {root: Ask, fields: {Text: string}}
                response: {root: Decision, fields: {Text: string}}
            """.formatted(server.getAddress().getPort()) + timeout;
    }

    static String decision(String text) {
        return "<Decision><Text>" + text + "</Text></Decision>";
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
