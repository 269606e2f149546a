package io.agentserver.router;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A way to a server on this machine on which all that is sent there arrives later, and what it answers at once. */
final class SlowLink implements AutoCloseable {
    private final int target;
    private final Duration delay;
    private final ServerSocket server;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closing = new CountDownLatch(1);

    SlowLink(int target, Duration delay) throws IOException {
        this.target = target;
        this.delay = delay;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().name("slow-link").start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        closing.countDown();
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket near = server.accept();
                Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
                near.setTcpNoDelay(true);
                far.setTcpNoDelay(true);
                sockets.add(near);
                sockets.add(far);
                Thread.ofVirtual().name("slow-link").start(() -> carry(near, far, delay));
                Thread.ofVirtual().name("slow-link").start(() -> carry(far, near, Duration.ZERO));
            }
        } catch (IOException closed) {
            // as told
        }
    }

    private void carry(Socket from, Socket to, Duration later) {
        byte[] piece = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
                if (closing.await(later.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
                out.write(piece, 0, length);
            }
        } catch (IOException | InterruptedException broken) {
            // the other direction ends too
        }
    }
}
