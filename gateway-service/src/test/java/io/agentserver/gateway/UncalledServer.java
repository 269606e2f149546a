package io.agentserver.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;

/** An address that hostile input names, and that nobody must ever connect to; {@link #close} fails if somebody has. */
final class UncalledServer implements AutoCloseable {
    private final ServerSocket socket;

    UncalledServer() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    String url(String path) {
        return "http://127.0.0.1:" + socket.getLocalPort() + path;
    }

    /** Whoever has connected waits in the backlog: nothing has to be waited for here. */
    @Override
    public void close() throws IOException {
        try (socket) {
            socket.setSoTimeout(1);
            throw new AssertionError("somebody has called: " + socket.accept());
        } catch (SocketTimeoutException e) {
            // as it should be
        }
    }
}
