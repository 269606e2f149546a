package io.agentserver.localstores;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A real Redis Cluster on 127.0.0.1, for tests: primaries with a replica each, which takes over when its primary is killed.
 * It can grow, and slots be moved, while it serves. Nodes count from 0: the primaries first, then their replicas in the same
 * order, then those that were added. Used on one thread.
 */
public final class LocalRedisCluster implements AutoCloseable {
    /** In every Redis Cluster. */
    public static final int SLOTS = 16_384;

    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** A node talks to the others on its port and this; both must be free. */
    private static final int BUS = 10_000;

    private static final int HIGHEST_PORT = 22_000;
    private static final int ANSWER_MILLIS = 10_000;

    private final Path directory;
    private final int primaries;
    private final Duration nodeTimeout;
    private final List<LocalRedis> nodes = new ArrayList<>();

    private LocalRedisCluster(Path directory, int primaries, Duration nodeTimeout) {
        this.directory = directory;
        this.primaries = primaries;
        this.nodeTimeout = nodeTimeout;
    }

    /**
     * Blocks until all of its nodes say that the cluster is whole, some seconds.
     *
     * @param nodeTimeout after which a silent node counts as gone
     * @throws LocalStoreException if it cannot start, with the reason in one line
     */
    public static LocalRedisCluster start(Path directory, int primaries, Duration nodeTimeout) {
        LocalRedisCluster cluster = new LocalRedisCluster(directory, primaries, nodeTimeout);
        try {
            for (int node = 0; node < 2 * primaries; node++) {
                cluster.startNode();
            }
            for (int node = 0; node < primaries; node++) {
                int first = SLOTS * node / primaries;
                int last = SLOTS * (node + 1) / primaries - 1;
                StringBuilder slots = new StringBuilder();
                for (int slot = first; slot <= last; slot++) {
                    slots.append(' ').append(slot);
                }
                cluster.ask(node, "CLUSTER ADDSLOTS" + slots);
            }
            for (int node = 1; node < cluster.nodes.size(); node++) {
                cluster.meet(node);
            }
            cluster.awaitWhole();
            for (int node = 0; node < primaries; node++) {
                cluster.replicate(primaries + node, node);
            }
            cluster.awaitReplicas(primaries);
            return cluster;
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /** As clients want it: {@code redis://127.0.0.1:7000,redis://127.0.0.1:7001,…}. */
    public String url() {
        return nodes.stream().map(LocalRedis::url).collect(Collectors.joining(","));
    }

    public LocalRedis node(int node) {
        return nodes.get(node);
    }

    /** A primary without slots, and its replica. @return the primary's number; the replica has the next one */
    public int grow() {
        int primary = startNode();
        meet(primary);
        int replica = startNode();
        meet(replica);
        awaitWhole();
        replicate(replica, primary);
        awaitReplicas(primaries + 1);
        return primary;
    }

    /** Moves a slot and the keys in it, as redis-cli does: clients are sent on from the one node to the other meanwhile. */
    public void move(int slot, int from, int to) {
        ask(to, "CLUSTER SETSLOT " + slot + " IMPORTING " + id(from));
        ask(from, "CLUSTER SETSLOT " + slot + " MIGRATING " + id(to));
        for (List<String> keys = keys(from, slot); !keys.isEmpty(); keys = keys(from, slot)) {
            StringBuilder migrate = new StringBuilder("MIGRATE 127.0.0.1 " + node(to).port() + " \"\" 0 5000 KEYS");
            keys.forEach(key -> migrate.append(" \"").append(key).append('"'));
            ask(from, migrate.toString());
        }
        ask(to, "CLUSTER SETSLOT " + slot + " NODE " + id(to));
        ask(from, "CLUSTER SETSLOT " + slot + " NODE " + id(to));
    }

    /** kill -9. Its replica takes over within some seconds. */
    public void kill(int node) {
        ProcessHandle.of(node(node).pid()).ifPresent(ProcessHandle::destroyForcibly);
    }

    /** Whether a node leads, by its own word. */
    public boolean isPrimary(int node) {
        return ask(node, "ROLE").getFirst().equals("master");
    }

    @Override
    public void close() {
        nodes.forEach(LocalRedis::close);
    }

    private int startNode() {
        int node = nodes.size();
        nodes.add(LocalRedis.start(
                directory.resolve("node-" + node),
                freePort(),
                List.of(
                        "--cluster-enabled", "yes",
                        "--cluster-config-file", "nodes.conf",
                        "--cluster-node-timeout", String.valueOf(nodeTimeout.toMillis()))));
        return node;
    }

    private void meet(int node) {
        ask(node, "CLUSTER MEET 127.0.0.1 " + node(0).port());
    }

    private void replicate(int replica, int primary) {
        // refused until the replica has heard of its primary
        await("its primary to be known", () -> tryAsk(replica, "CLUSTER REPLICATE " + id(primary)));
    }

    private void awaitWhole() {
        await("a whole cluster", () -> {
            for (int node = 0; node < nodes.size(); node++) {
                List<String> info = ask(node, "CLUSTER INFO");
                if (node > 0 && !info.contains("cluster_known_nodes:" + nodes.size())) {
                    meet(node); // the first may have been lost
                }
                if (!info.contains("cluster_state:ok") || !info.contains("cluster_known_nodes:" + nodes.size())) {
                    return false;
                }
            }
            return true;
        });
    }

    private void awaitReplicas(int count) {
        await("replicas", () -> {
            for (int node = 0; node < nodes.size(); node++) {
                if (ask(node, "CLUSTER NODES").stream()
                                .filter(line -> line.contains("slave"))
                                .count()
                        < count) {
                    return false;
                }
            }
            return nodes.stream().filter(node -> isLinked(nodes.indexOf(node))).count() >= count;
        });
    }

    private boolean isLinked(int node) {
        return ask(node, "INFO replication").contains("master_link_status:up");
    }

    private String id(int node) {
        return ask(node, "CLUSTER MYID").getFirst();
    }

    private List<String> keys(int node, int slot) {
        return ask(node, "CLUSTER GETKEYSINSLOT " + slot + " 100");
    }

    private boolean tryAsk(int node, String command) {
        try {
            ask(node, command);
            return true;
        } catch (LocalStoreException refused) {
            return false;
        }
    }

    /** The lines of an answer; of an array, its elements. */
    private List<String> ask(int node, String command) {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), node(node).port())) {
            socket.setSoTimeout(ANSWER_MILLIS);
            socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.UTF_8));
            return answer(
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            throw new LocalStoreException(
                    "node " + node + " does not answer " + command.split(" ", 3)[0] + ": " + e, e);
        }
    }

    private static List<String> answer(BufferedReader in) throws IOException {
        String head = in.readLine();
        if (head == null) {
            throw new IOException("the connection ended");
        }
        String rest = head.substring(1);
        return switch (head.charAt(0)) {
            case '-' -> throw new LocalStoreException(rest);
            case '$' -> List.of(bulk(in, Integer.parseInt(rest)).strip().split("\\r?\\n"));
            case '*' -> {
                List<String> all = new ArrayList<>();
                for (int left = Integer.parseInt(rest); left > 0; left--) {
                    all.addAll(answer(in));
                }
                yield all;
            }
            default -> List.of(rest);
        };
    }

    private static String bulk(BufferedReader in, int length) throws IOException {
        char[] text = new char[length + 2];
        for (int read = 0; read < text.length; ) {
            int more = in.read(text, read, text.length - read);
            if (more < 0) {
                throw new IOException("the connection ended");
            }
            read += more;
        }
        return String.valueOf(text);
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(String what, Condition condition) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new LocalStoreException("the Redis Cluster has waited " + LIMIT.toSeconds() + " s for " + what);
            }
            try {
                Thread.sleep(Duration.ofMillis(50));
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new LocalStoreException("interrupted while waiting for a Redis Cluster", interrupted);
            }
        }
    }

    private static int freePort() {
        for (int port = FreePorts.take(); ; port = FreePorts.take()) {
            if (port <= HIGHEST_PORT && isFree(port + BUS)) {
                return port;
            }
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }
}
