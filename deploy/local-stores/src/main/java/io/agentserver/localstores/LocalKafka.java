package io.agentserver.localstores;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;

/**
 * A real single-node KRaft broker in this process, on 127.0.0.1.
 *
 * <p>In: a directory, formatted when it is new, and a port (0: any free one). Out: {@link #bootstrap()}, usable when
 * {@link #start} returns. Restarted on the same directory, also on another port and after kill -9, it has every record
 * that it acknowledged. It ends the process if its log directory fails under it, as a broker does.
 */
public final class LocalKafka implements AutoCloseable {
    private final KafkaRaftServer server;
    private final int port;
    private final int controllerPort;
    private final String cluster;

    private LocalKafka(KafkaRaftServer server, int port, int controllerPort, String cluster) {
        this.server = server;
        this.port = port;
        this.controllerPort = controllerPort;
        this.cluster = cluster;
    }

    /**
     * Blocks until the broker answers, some 2 to 6 seconds.
     *
     * @param directory its own; nobody else may use it at the same time
     * @param port 0 to choose a free one
     * @throws LocalStoreException if it cannot start, with the reason in one line
     */
    public static LocalKafka start(Path directory, int port) {
        return start(directory, port, Map.of());
    }

    /**
     * The same, and the broker listens on further ports too.
     *
     * @param detours by port to listen on, the port of 127.0.0.1 that the broker tells those who ask there to connect to:
     *     that of a proxy on their way to it, or they would go past it
     */
    public static LocalKafka start(Path directory, int port, Map<Integer, Integer> detours) {
        return start(directory, port, detours, Map.of());
    }

    /**
     * A broker that is not as ours are: one that wants TLS and a user, say.
     *
     * @param instead the broker's own settings, over ours; its listener is named {@code BROKER}
     */
    public static LocalKafka startWith(Path directory, Map<String, String> instead) {
        return start(directory, 0, Map.of(), instead);
    }

    /**
     * Starts a further broker of this one's cluster, for tests of what needs two. It is no controller: it works while this one does.
     *
     * @param directory its own, new
     * @param node its number in the cluster: 2 or more, and no other's
     */
    public LocalKafka joinedBy(Path directory, int node) {
        int chosen = FreePorts.take();
        Map<String, String> settings = BrokerSettings.of(data(directory), chosen, controllerPort, Map.of());
        settings.put("process.roles", "broker");
        settings.put("node.id", Integer.toString(node));
        settings.put("listeners", "BROKER://127.0.0.1:" + chosen);
        return start(directory, chosen, controllerPort, settings, cluster);
    }

    private static LocalKafka start(
            Path directory, int port, Map<Integer, Integer> detours, Map<String, String> instead) {
        int chosen = FreePorts.choose(port, "Kafka");
        int controllerPort = FreePorts.take();
        Map<String, String> settings = BrokerSettings.of(data(directory), chosen, controllerPort, detours);
        settings.putAll(instead);
        return start(
                directory, chosen, controllerPort, settings, Uuid.randomUuid().toString());
    }

    private static Path data(Path directory) {
        return directory.toAbsolutePath().resolve("data");
    }

    private static LocalKafka start(
            Path directory, int chosen, int controllerPort, Map<String, String> settings, String newCluster) {
        Path data = data(directory);
        Path meta = data.resolve("meta.properties");
        String cluster;
        try {
            Files.createDirectories(data);
            if (!Files.exists(meta)) {
                format(directory.resolve("server.properties"), settings, newCluster);
            }
            cluster = clusterOf(meta);
        } catch (IOException unusable) {
            throw new LocalStoreException("Kafka cannot write to " + directory + ": " + unusable, unusable);
        }
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
        try {
            server.startup();
        } catch (RuntimeException failed) {
            server.shutdown();
            throw new LocalStoreException(
                    "Kafka did not start on port " + chosen + " with " + data + ": " + rootCause(failed), failed);
        }
        return new LocalKafka(server, chosen, controllerPort, cluster);
    }

    /** The broker's address as clients want it: {@code 127.0.0.1:9092}. */
    public String bootstrap() {
        return "127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    /** Stops the broker cleanly and waits for it. */
    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }

    /** Writes the cluster's id and first metadata. It is complete or, after a crash in it, done again. */
    private static void format(Path file, Map<String, String> settings, String clusterId) throws IOException {
        Properties properties = new Properties();
        properties.putAll(settings);
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, "what the log directory was formatted with; the running broker may differ");
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        String[] arguments = {"format", "--cluster-id", clusterId, "--config", file.toString()};
        int result = StorageTool.execute(arguments, new PrintStream(output, true, StandardCharsets.UTF_8));
        if (result != 0) {
            throw new LocalStoreException("Kafka cannot format its log directory: "
                    + output.toString(StandardCharsets.UTF_8).replace('\n', ' '));
        }
    }

    private static String clusterOf(Path meta) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(meta)) {
            properties.load(reader);
        }
        return properties.getProperty("cluster.id", "");
    }

    private static String rootCause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.toString();
    }
}
