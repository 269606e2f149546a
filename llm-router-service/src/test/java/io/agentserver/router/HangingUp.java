package io.agentserver.router;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A client that asks and does not wait for the answer. */
final class HangingUp implements AutoCloseable {
    private final Socket socket;

    private HangingUp(Socket socket) {
        this.socket = socket;
    }

    static HangingUp post(String url, String path, String key, String body) throws IOException {
        return post(url, path, Map.of("x-api-key", key), body);
    }

    static HangingUp post(String url, String path, Map<String, String> headers, String body) throws IOException {
        URI uri = URI.create(url);
        Socket socket = new Socket(uri.getHost(), uri.getPort());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        socket.getOutputStream().write(head(path, headers, bytes.length));
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        return new HangingUp(socket);
    }

    /** Says how long its body is, and then nothing. */
    static HangingUp announce(String url, String path, Map<String, String> headers, int length) throws IOException {
        URI uri = URI.create(url);
        Socket socket = new Socket(uri.getHost(), uri.getPort());
        socket.getOutputStream().write(head(path, headers, length));
        socket.getOutputStream().flush();
        return new HangingUp(socket);
    }

    private static byte[] head(String path, Map<String, String> headers, int length) {
        StringBuilder head = new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: router\r\n");
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        head.append("Content-Type: application/json\r\nContent-Length: ")
                .append(length)
                .append("\r\n\r\n");
        return head.toString().getBytes(StandardCharsets.US_ASCII);
    }

    void hangUp() throws IOException {
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
