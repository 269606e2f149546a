package io.agentserver.localstores;

import com.almworks.sqlite4java.SQLiteConnection;
import com.almworks.sqlite4java.SQLiteException;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import com.amazonaws.services.dynamodbv2.model.ListTablesRequest;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * DynamoDB Local in this process, on 127.0.0.1.
 *
 * <p>In: a directory and a port (0: any free one). Out: {@link #endpoint()}, usable when {@link #start} returns; any
 * region and any alphanumeric access key see the same tables. It is SQLite underneath: what it acknowledged survives
 * kill -9. It accepts TTL attributes and deletes nothing by them. The bytes of deleted items stay in SQLite's free pages until
 * the next start, which packs a file of up to 256 MiB anew.
 *
 * <p>The server is put together here and not by its own {@code ServerRunner}, which listens on every interface, writes
 * to standard output and sends telemetry.
 */
public final class LocalDynamo implements AutoCloseable {
    private static final int PORT_UNUSED = 0;
    private static final boolean SHARED = true;
    private static final boolean NO_DELAYS = false;
    private static final @Nullable String NO_CORS = null;
    private static final int MOST_THREADS = 64;
    private static final long LARGEST_PACKED = 256L << 20;
    private static final long PATIENCE_MS = 10_000;

    /** Where DynamoDB Local, which carries SQLite's native library, unpacks it. */
    private static final String NATIVE_DIRECTORY = "org.sqlite.tmpdir";

    private final Server server;
    private final LocalDynamoDBServerHandler handler;
    private final int port;

    private LocalDynamo(Server server, LocalDynamoDBServerHandler handler, int port) {
        this.server = server;
        this.handler = handler;
        this.port = port;
    }

    /**
     * Tables on disk. Blocks until it answers, some 1 to 2 seconds for the first of a process.
     *
     * @param directory its own; nobody else may use it at the same time
     * @param port 0 to choose a free one
     * @throws LocalStoreException if it cannot start, with the reason in one line
     */
    public static LocalDynamo start(Path directory, int port) {
        Path home = directory.toAbsolutePath();
        try {
            Files.createDirectories(home);
        } catch (IOException unusable) {
            throw new LocalStoreException("DynamoDB Local cannot write to " + home + ": " + unusable, unusable);
        }
        pack(home);
        return start(home, false, port);
    }

    /** Tables in memory, gone with {@link #close()}. Faster, for tests that restart nothing. */
    public static LocalDynamo inMemory(int port) {
        return start(null, true, port);
    }

    /** The endpoint as the AWS SDK wants it: {@code http://127.0.0.1:8000}. */
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + port);
    }

    public int port() {
        return port;
    }

    /** Stops the server and closes its tables. */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception failed) {
            throw new LocalStoreException("DynamoDB Local did not stop: " + failed, failed);
        } finally {
            handler.close();
        }
    }

    private static LocalDynamo start(@Nullable Path directory, boolean inMemory, int port) {
        int chosen = FreePorts.choose(port, "DynamoDB Local");
        LocalDynamoDBRequestHandler tables = new LocalDynamoDBRequestHandler(
                PORT_UNUSED, inMemory, directory == null ? null : directory.toString(), SHARED, NO_DELAYS);
        LocalDynamoDBServerHandler handler = new LocalDynamoDBServerHandler(tables, NO_CORS);
        QueuedThreadPool threads = new QueuedThreadPool(MOST_THREADS);
        threads.setName("dynamodb");
        threads.setDaemon(true);
        Server server = new Server(threads);
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(chosen);
        server.addConnector(connector);
        server.setHandler(handler);
        try {
            open(tables, directory);
            server.start();
        } catch (Exception | LinkageError failed) {
            handler.close();
            throw new LocalStoreException("DynamoDB Local did not start on port " + chosen + ": " + failed, failed);
        }
        return new LocalDynamo(server, handler, chosen);
    }

    /**
     * What was deleted is gone from the file then; it would otherwise stand there until its place is used again. Comes before the
     * tables are opened, for DynamoDB Local reads them at all times and bears no lock; the tables in memory that it opens
     * instead have it load SQLite's native library.
     */
    private static void pack(Path directory) {
        try {
            List<Path> databases;
            try (Stream<Path> files = Files.list(directory)) {
                databases =
                        files.filter(file -> file.toString().endsWith(".db")).toList();
            }
            if (databases.isEmpty()) {
                return;
            }
            LocalDynamoDBRequestHandler memory =
                    new LocalDynamoDBRequestHandler(PORT_UNUSED, true, null, SHARED, NO_DELAYS);
            open(memory, directory);
            memory.shutdown();
            for (Path database : databases) {
                if (Files.size(database) <= LARGEST_PACKED) { // a start is not to take a minute
                    pack(database.toFile());
                }
            }
        } catch (IOException | SQLiteException failed) {
            throw new LocalStoreException(
                    "DynamoDB Local's files in " + directory + " are unusable: " + failed, failed);
        }
    }

    private static void pack(File database) throws SQLiteException {
        SQLiteConnection connection = new SQLiteConnection(database);
        try {
            connection.open(false);
            connection.setBusyTimeout(PATIENCE_MS);
            connection.exec("VACUUM");
            connection.exec("PRAGMA wal_checkpoint(TRUNCATE)"); // nothing, where there is no such log
        } finally {
            connection.dispose();
        }
    }

    /**
     * Opens the tables, so that it fails here and not at the first request if SQLite cannot run. The first time in a
     * process this unpacks SQLite's native library. Its copy is deleted at a normal end only, so it goes where the next
     * start clears away what killed processes left.
     */
    private static synchronized void open(LocalDynamoDBRequestHandler tables, @Nullable Path directory)
            throws IOException {
        if (directory != null) {
            Path unpacked = directory.resolve("native");
            if (Files.exists(unpacked)) {
                StateDirectory.deleteTree(unpacked);
            }
            System.setProperty(
                    NATIVE_DIRECTORY, Files.createDirectories(unpacked).toString());
        }
        try {
            tables.listTables("local", "local", new ListTablesRequest());
        } finally {
            System.clearProperty(NATIVE_DIRECTORY);
        }
    }
}
