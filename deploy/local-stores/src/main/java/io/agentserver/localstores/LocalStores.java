package io.agentserver.localstores;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Kafka, Redis and DynamoDB Local on 127.0.0.1 with their state under one directory; see {@link LocalKafka},
 * {@link LocalRedis}, {@link LocalDynamo} for what each promises.
 *
 * <p>They start side by side, on threads of their own, and stop in reverse order on the thread that closes. The
 * directory is locked for this process meanwhile.
 */
public final class LocalStores implements AutoCloseable {
    /** All three, on free ports. */
    public static final Map<LocalStore, Integer> ALL_ON_FREE_PORTS =
            Map.of(LocalStore.KAFKA, 0, LocalStore.REDIS, 0, LocalStore.DYNAMODB, 0);

    private final StateDirectory directory;
    private final boolean temporary;
    private final Map<LocalStore, AutoCloseable> running = new EnumMap<>(LocalStore.class);

    private LocalStores(StateDirectory directory, boolean temporary) {
        this.directory = directory;
        this.temporary = temporary;
    }

    /**
     * Starts the stores that {@code ports} names and blocks until all of them answer.
     *
     * @param directory created if it is not there; what an earlier run left in it is there again
     * @param ports for each store to run its port, 0 for a free one
     * @throws LocalStoreException if one cannot start (port taken, directory in use, disk full), with the reason and
     *     the remedy in one line; then none of them runs
     */
    public static LocalStores start(Path directory, Map<LocalStore, Integer> ports) {
        return new LocalStores(StateDirectory.open(directory), false).startAll(ports);
    }

    /** All three on free ports, in a directory that {@link #close()} deletes. */
    public static LocalStores inTemporaryDirectory() {
        return inTemporaryDirectory(ALL_ON_FREE_PORTS);
    }

    /** Those that {@code ports} names, in a directory that {@link #close()} deletes. */
    public static LocalStores inTemporaryDirectory(Map<LocalStore, Integer> ports) {
        try {
            Path directory = Files.createTempDirectory("agentserver-stores-");
            return new LocalStores(StateDirectory.open(directory), true).startAll(ports);
        } catch (IOException failed) {
            throw new LocalStoreException("cannot make a temporary directory: " + failed, failed);
        }
    }

    /**
     * Deletes everything in the directory, and stops the Redis that a killed run left there.
     *
     * @throws LocalStoreException if a running process uses it
     */
    public static void forget(Path directory) {
        try (StateDirectory state = StateDirectory.open(directory, 0)) {
            LocalRedis.stopOrphan(state.of(LocalStore.REDIS));
            state.clear();
        }
    }

    public LocalKafka kafka() {
        return running(LocalStore.KAFKA, LocalKafka.class);
    }

    public LocalRedis redis() {
        return running(LocalStore.REDIS, LocalRedis.class);
    }

    public LocalDynamo dynamo() {
        return running(LocalStore.DYNAMODB, LocalDynamo.class);
    }

    /** {@code 127.0.0.1:9092}. */
    public String kafkaBootstrap() {
        return kafka().bootstrap();
    }

    /** {@code redis://127.0.0.1:6379}. */
    public String redisUrl() {
        return redis().url();
    }

    /** {@code http://127.0.0.1:8000}. */
    public URI dynamoEndpoint() {
        return dynamo().endpoint();
    }

    public Path directory() {
        return directory.path();
    }

    /** Stops them in reverse order; all are tried, and what failed is thrown at the end. */
    @Override
    public void close() {
        LocalStoreException failure = null;
        for (LocalStore store : List.of(LocalStore.DYNAMODB, LocalStore.REDIS, LocalStore.KAFKA)) {
            AutoCloseable resource = running.remove(store);
            if (resource != null) {
                failure = closed(store, resource, failure);
            }
        }
        directory.close();
        if (temporary) {
            failure = closed(LocalStore.KAFKA, () -> StateDirectory.deleteTree(directory.path()), failure);
        }
        if (failure != null) {
            throw failure;
        }
    }

    /**
     * The stores as a process of their own, for tests that kill it: prints their addresses in one line, runs until its
     * standard input ends.
     *
     * @param arguments the directory
     */
    public static void main(String[] arguments) throws IOException {
        try (LocalStores stores = start(Path.of(arguments[0]), ALL_ON_FREE_PORTS)) {
            System.out.println(
                    "ready " + stores.kafkaBootstrap() + " " + stores.redisUrl() + " " + stores.dynamoEndpoint());
            while (System.in.read() >= 0) {
                // whoever started this process holds the other end; its end is ours
            }
        }
    }

    private LocalStores startAll(Map<LocalStore, Integer> ports) {
        Map<LocalStore, Future<AutoCloseable>> starting = new EnumMap<>(LocalStore.class);
        try (ExecutorService threads = Executors.newThreadPerTaskExecutor(
                Thread.ofPlatform().name("start-store-", 0).factory())) {
            ports.forEach((store, port) -> starting.put(store, threads.submit(() -> start(store, port))));
        }
        LocalStoreException failure = null;
        for (Map.Entry<LocalStore, Future<AutoCloseable>> entry : starting.entrySet()) {
            try {
                running.put(entry.getKey(), entry.getValue().get());
            } catch (ExecutionException failed) {
                failure = combined(failure, asStoreException(entry.getKey(), failed));
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                failure = combined(failure, new LocalStoreException("interrupted while starting", interrupted));
            }
        }
        if (failure != null) {
            try {
                close();
            } catch (LocalStoreException alsoFailed) {
                failure.addSuppressed(alsoFailed);
            }
            throw failure;
        }
        return this;
    }

    private AutoCloseable start(LocalStore store, int port) {
        Path home = directory.of(store);
        return switch (store) {
            case KAFKA -> LocalKafka.start(home, port);
            case REDIS -> LocalRedis.start(home, port);
            case DYNAMODB -> LocalDynamo.start(home, port);
        };
    }

    private <T> T running(LocalStore store, Class<T> type) {
        AutoCloseable resource = running.get(store);
        if (resource == null) {
            throw new IllegalStateException(store + " does not run here; running: " + running.keySet());
        }
        return type.cast(resource);
    }

    private static @Nullable LocalStoreException closed(
            LocalStore store, AutoCloseable resource, @Nullable LocalStoreException failure) {
        try {
            resource.close();
            return failure;
        } catch (Exception failed) {
            return combined(failure, new LocalStoreException(store + " did not stop: " + failed, failed));
        }
    }

    private static LocalStoreException asStoreException(LocalStore store, ExecutionException failed) {
        return failed.getCause() instanceof LocalStoreException known
                ? known
                : new LocalStoreException(store + " did not start: " + failed.getCause(), failed);
    }

    private static LocalStoreException combined(@Nullable LocalStoreException first, LocalStoreException next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }
}
