package io.agentserver.loadtests;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** POSTs to one server over connections that are kept; each answer must have what its request asked to have back. */
abstract class HttpExchanges extends KeptConnections {
    private final URI server;
    private final AtomicLong numbers = new AtomicLong();

    /** @param expected what the body of a right answer contains */
    record Request(String path, Map<String, String> headers, String body, int status, String expected) {}

    HttpExchanges(URI server) {
        super(server);
        this.server = server;
    }

    /** The next one, different from all before. */
    abstract Request request(long number);

    @Override
    public boolean hold() {
        Request request = request(numbers.incrementAndGet());
        return exchange(bytes(request), answer -> {
            if (answer.status() != request.status()) {
                return "status " + answer.status();
            }
            return answer.body().contains(request.expected()) ? "" : "another text";
        });
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
}
