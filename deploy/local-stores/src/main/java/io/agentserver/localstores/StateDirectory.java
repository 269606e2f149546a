package io.agentserver.localstores;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * The directory that holds the state of local stores, locked for one process. The lock is the kernel's, so it is gone
 * with its process however that ends. What goes wrong is one line with the remedy.
 */
final class StateDirectory implements AutoCloseable {
    /** A broker whose disk is full ends its whole process, so there must be room before it starts. */
    static final long REQUIRED_BYTES = 512L << 20;

    private static final String LOCK = "lock";
    private static final String ELSEWHERE = "choose another directory (of dev: AGENTSERVER_HOME)";

    private final Path path;
    private final FileChannel lock;

    private StateDirectory(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    static StateDirectory open(Path directory) {
        return open(directory, REQUIRED_BYTES);
    }

    static StateDirectory open(Path directory, long requiredBytes) {
        Path path = directory.toAbsolutePath().normalize();
        try {
            Files.createDirectories(path);
            long usable = Files.getFileStore(path).getUsableSpace();
            if (usable < requiredBytes) {
                throw new LocalStoreException("only " + (usable >> 20) + " MiB are free for " + path
                        + ", the stores need " + (requiredBytes >> 20)
                        + " MiB: free some space or " + ELSEWHERE);
            }
            return new StateDirectory(path, lock(path));
        } catch (IOException unusable) {
            throw new LocalStoreException(
                    "cannot use " + path + " (" + unusable + "): make it writable or " + ELSEWHERE, unusable);
        }
    }

    Path path() {
        return path;
    }

    Path of(LocalStore store) {
        return path.resolve(store.directory());
    }

    /** Deletes everything in it; the directory and its lock stay. */
    void clear() {
        try (var children = Files.list(path)) {
            for (Path child : children.toList()) {
                if (!child.endsWith(LOCK)) {
                    deleteTree(child);
                }
            }
        } catch (IOException failed) {
            throw new LocalStoreException("cannot empty " + path + " (" + failed + "): delete it by hand", failed);
        }
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException failed) {
            throw new LocalStoreException("cannot give " + path + " free again", failed);
        }
    }

    private static FileChannel lock(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException thisProcess) {
            // the same answer as for another process
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            throw new LocalStoreException(
                    path + " is in use by another running agentserver: stop that, or " + ELSEWHERE);
        }
        return channel;
    }

    /** Deletes a directory with what is in it; what another thread deletes at the same time does not matter. */
    static void deleteTree(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
