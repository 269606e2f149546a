package io.agentserver.loadtests;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * A server of this machine alone, on plain sockets and with a virtual thread for each connection: it shares the machine with what is
 * measured.
 */
final class LoopbackServer implements AutoCloseable {
    private static final int BACKLOG = 16_384;

    private final ServerSocket socket;
    private final String name;
    private final Serving serving;

    /** Of one connection, on a virtual thread of its own. */
    interface Serving {
        /** @param connection to be closed */
        void serve(Socket connection);
    }

    private LoopbackServer(ServerSocket socket, String name, Serving serving) {
        this.socket = socket;
        this.name = name;
        this.serving = serving;
    }

    /**
     * @param name of its thread, and in what it says
     * @param port 0: any free one
     */
    static LoopbackServer start(String name, int port, Serving serving) throws IOException {
        LoopbackServer server =
                new LoopbackServer(new ServerSocket(port, BACKLOG, InetAddress.getLoopbackAddress()), name, serving);
        Thread.ofPlatform().daemon().name(name).start(server::accept);
        return server;
    }

    String url() {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                connection.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> serving.serve(connection));
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    System.err.println(name + " does not accept: " + e);
                }
            }
        }
    }

    /** Null at the end of the connection. */
    static @Nullable String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder(64);
        int c = in.read();
        if (c < 0) {
            return null;
        }
        for (; c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}
