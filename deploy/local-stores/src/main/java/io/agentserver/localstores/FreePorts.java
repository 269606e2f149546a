package io.agentserver.localstores;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/**
 * TCP ports of 127.0.0.1. Callable from any thread.
 *
 * <p>A port is only bound for a moment here, and again when it is used. Meanwhile nobody of this user's gets it from this class: this process
 * is given each port once (a platform with forty would otherwise be given one twice in every twentieth run), and holds a
 * lock on the byte of that number in a file of the directory for temporary files until it ends, however it does. Others may still take one: the
 * ports come from below the range that the kernel gives to outgoing connections, which leaves that to bad luck.
 */
public final class FreePorts {
    static final int LOWEST = 15_000;
    static final int HIGHEST = 32_000;
    private static final int ATTEMPTS = 1_000;

    /** By this process. */
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    /** Never closed: closing one channel to a file lets go of all locks that the process has there. */
    private static final FileChannel PROMISED = openPromised();

    private FreePorts() {}

    /** One port that nobody listens on. */
    public static int take() {
        return take(1)[0];
    }

    /** {@code count} different ports that nobody listens on, none of them given before. */
    public static int[] take(int count) {
        List<ServerSocket> bound = new ArrayList<>();
        try {
            for (int attempt = 0; attempt < ATTEMPTS + count && bound.size() < count; attempt++) {
                int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
                if (!GIVEN.add(port) || !promise(port)) {
                    continue;
                }
                ServerSocket socket = new ServerSocket();
                try {
                    socket.bind(loopback(port));
                    bound.add(socket);
                } catch (IOException taken) {
                    socket.close(); // the next attempt is another port
                }
            }
            if (bound.size() < count) {
                throw new LocalStoreException("no " + count + " free ports between " + LOWEST + " and " + HIGHEST
                        + " on 127.0.0.1 after " + ATTEMPTS + " attempts: stop what holds them");
            }
            return IntStream.range(0, count)
                    .map(index -> bound.get(index).getLocalPort())
                    .toArray();
        } catch (IOException unusable) {
            throw new LocalStoreException("cannot open a socket on 127.0.0.1: " + unusable.getMessage(), unusable);
        } finally {
            bound.forEach(FreePorts::close);
        }
    }

    /**
     * Refuses a port that is taken.
     *
     * @param port 1 to 65535
     * @param purpose who wants it, for the message: {@code Kafka}
     * @throws LocalStoreException one line with the port, the process that holds it, and the remedy
     */
    public static void requireFree(int port, String purpose) {
        holder(port).ifPresent(holder -> {
            throw new LocalStoreException("port " + port + " for " + purpose + " is taken by " + holder
                    + ": stop that, or choose another port");
        });
    }

    /**
     * Who keeps this process from listening on a port, here or on all interfaces; empty if it is free.
     *
     * @param port 1 to 65535
     * @return {@code process 1234 (java)}, as far as this user may know it
     */
    public static Optional<String> holder(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(loopback(port));
            return Optional.empty();
        } catch (IOException taken) {
            return Optional.of(PortOwner.of(port).orElse("an unknown process (" + taken.getMessage() + ")"));
        }
    }

    /** The port that was asked for, if it is free, or any free one for 0. */
    static int choose(int port, String purpose) {
        if (port == 0) {
            return take();
        }
        requireFree(port, purpose);
        return port;
    }

    /** One file for a user: nobody may open another's. */
    static Path promised() {
        return Path.of(System.getProperty("java.io.tmpdir"), "agentserver-ports-" + System.getProperty("user.name"));
    }

    private static boolean promise(int port) throws IOException {
        try {
            return PROMISED.tryLock(port, 1, false) != null;
        } catch (OverlappingFileLockException loadedTwice) {
            return false; // this class, by another class loader of this process
        }
    }

    private static FileChannel openPromised() {
        try {
            return FileChannel.open(promised(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException unusable) {
            throw new LocalStoreException(
                    "cannot open " + promised() + ", where ports are promised: " + unusable.getMessage(), unusable);
        }
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static void close(ServerSocket socket) {
        try {
            socket.close();
        } catch (IOException failed) {
            throw new LocalStoreException("cannot give port " + socket.getLocalPort() + " free again", failed);
        }
    }
}
