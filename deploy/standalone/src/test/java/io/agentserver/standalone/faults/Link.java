package io.agentserver.standalone.faults;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The network between one process and another: listens on a port of 127.0.0.1, passes on to another port what it gets and what
 * is answered, and does to it meanwhile what {@link Trouble} it suffers. Its dice are seeded. One thread at a time changes it.
 */
final class Link implements AutoCloseable {
    private static final int CHUNK = 16 * 1024;
    private static final int MOST_CHUNKS = 256;
    private static final Duration RETRANSMISSION = Duration.ofMillis(200);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

    private final String name;
    private final String to;
    private final int port;
    private final int target;
    private final Random random;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile Trouble trouble = new Trouble.None();
    private volatile boolean used;
    private volatile ServerSocket server;

    /** @param target a port of 127.0.0.1; nobody needs to listen there yet */
    Link(String from, String to, int port, int target, long seed) throws IOException {
        this.name = from + " to " + to;
        this.to = to;
        this.port = port;
        this.target = target;
        this.random = new Random(seed);
        this.server = listen();
    }

    int port() {
        return port;
    }

    /** What is at its other end. */
    String to() {
        return to;
    }

    /** Whether it has ever passed anything on; troubles of one that has not reach nobody. */
    boolean isUsed() {
        return used;
    }

    void suffer(Trouble next) {
        trouble = next;
        if (next instanceof Trouble.Refusal) {
            stopListening();
            connections.forEach(Connection::reset);
        }
    }

    void heal() {
        trouble = new Trouble.None();
        if (server.isClosed()) {
            try {
                server = listen();
            } catch (IOException e) {
                throw new UncheckedIOException(name, e);
            }
        }
    }

    @Override
    public void close() {
        stopListening();
        connections.forEach(Connection::reset);
    }

    @Override
    public String toString() {
        return name;
    }

    private ServerSocket listen() throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        Thread.ofVirtual().name(name).start(() -> accept(socket));
        return socket;
    }

    private void stopListening() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    private void accept(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket near = socket.accept();
                Thread.ofVirtual().name(name).start(() -> connect(near));
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    throw new UncheckedIOException(name, e);
                }
            }
        }
    }

    /** Nobody at the other end: as if nobody had listened here, one step later. */
    private void connect(Socket near) {
        try {
            Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
            near.setTcpNoDelay(true);
            far.setTcpNoDelay(true);
            Connection connection = new Connection(near, far);
            connections.add(connection);
            connection.carry(near, far);
            connection.carry(far, near);
            if (trouble instanceof Trouble.Refusal) {
                connection.reset();
            }
        } catch (IOException e) {
            reset(near);
        }
    }

    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // closed already: its end has what it should have
        }
    }

    /** Late by what the trouble of its moment says; an empty one is the last. */
    private static final class Chunk {
        private final byte[] bytes;
        private final long due;

        Chunk(byte[] bytes, long due) {
            this.bytes = bytes;
            this.due = due;
        }
    }

    private final class Connection {
        private final Socket near;
        private final Socket far;
        private final AtomicInteger ended = new AtomicInteger();
        private volatile boolean broken;

        Connection(Socket near, Socket far) {
            this.near = near;
            this.far = far;
        }

        void reset() {
            broken = true;
            connections.remove(this);
            Link.reset(near);
            Link.reset(far);
        }

        private void ended() {
            if (ended.incrementAndGet() == 2) {
                reset(); // both ends have said all they had to say
            }
        }

        void carry(Socket from, Socket to) {
            BlockingQueue<Chunk> onTheWay = new ArrayBlockingQueue<>(MOST_CHUNKS);
            Thread.ofVirtual().name(name).start(() -> until(() -> read(from, onTheWay)));
            Thread.ofVirtual().name(name).start(() -> until(() -> write(onTheWay, to)));
        }

        private void until(Carrying part) {
            try {
                part.run();
            } catch (IOException e) {
                reset(); // one end has broken it: so it is at the other
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                reset();
            }
        }

        private void read(Socket from, BlockingQueue<Chunk> onTheWay) throws IOException, InterruptedException {
            InputStream in = from.getInputStream();
            byte[] buffer = new byte[CHUNK];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (trouble instanceof Trouble.Resets(int percent) && isHit(percent)) {
                    reset();
                    return;
                }
                put(onTheWay, new Chunk(Arrays.copyOf(buffer, count), System.nanoTime() + delay()));
            }
            put(onTheWay, new Chunk(new byte[0], System.nanoTime() + delay()));
        }

        private void put(BlockingQueue<Chunk> onTheWay, Chunk chunk) throws InterruptedException {
            while (!broken && !onTheWay.offer(chunk, 1, TimeUnit.SECONDS)) {
                // the reader at the other end is slow, or cut off: its sender has to wait
            }
        }

        private void write(BlockingQueue<Chunk> onTheWay, Socket to) throws IOException, InterruptedException {
            while (!broken) {
                Chunk chunk = onTheWay.poll(1, TimeUnit.SECONDS);
                if (chunk == null) {
                    continue;
                }
                for (long left = chunk.due - System.nanoTime(); left > 0; left = chunk.due - System.nanoTime()) {
                    TimeUnit.NANOSECONDS.sleep(left);
                }
                while (trouble instanceof Trouble.Partition && !broken) {
                    Thread.sleep(LOOK_AGAIN);
                }
                if (chunk.bytes.length == 0) {
                    to.shutdownOutput();
                    ended();
                    return;
                }
                used = true;
                to.getOutputStream().write(chunk.bytes);
            }
        }
    }

    @FunctionalInterface
    private interface Carrying {
        void run() throws IOException, InterruptedException;
    }

    private long delay() {
        return switch (trouble) {
            case Trouble.Latency(Duration each) -> each.toNanos();
            case Trouble.Loss(int percent) -> isHit(percent) ? RETRANSMISSION.toNanos() * (1L << random.nextInt(3)) : 0;
            case Trouble.None _, Trouble.Partition _, Trouble.Refusal _, Trouble.Resets _ -> 0;
        };
    }

    private boolean isHit(int percent) {
        return random.nextInt(100) < percent;
    }
}
