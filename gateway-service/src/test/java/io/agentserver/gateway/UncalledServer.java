package io.agentserver.gateway;

import io.agentserver.envelope.Ids;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.util.List;

/**
 * An address that hostile input names, and that nobody must ever connect to, and a name that nobody must ever look up; {@link #close}
 * fails if somebody has.
 */
final class UncalledServer implements AutoCloseable {
    private final ServerSocket socket;
    private final String name = "uncalled-" + Ids.v7() + ".invalid";

    UncalledServer() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    String url(String path) {
        return "http://127.0.0.1:" + socket.getLocalPort() + path;
    }

    /** The path at the address, and at the name. */
    List<String> urls(String path) {
        return List.of(url(path), "http://" + name + ":" + socket.getLocalPort() + path);
    }

    /** Whoever has connected waits in the backlog: nothing has to be waited for here. */
    @Override
    public void close() throws IOException {
        try (socket) {
            if (NotedLookUps.have(name)) {
                throw new AssertionError("somebody has looked up " + name);
            }
            socket.setSoTimeout(1);
            throw new AssertionError("somebody has called: " + socket.accept());
        } catch (SocketTimeoutException e) {
            // as it should be
        }
    }
}
