package io.agentserver.standalone.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The wall clock of one process, which can be set while it runs: libfaketime stands between it and the kernel and reads from a
 * file by how much it is wrong. What counts durations (the monotonic clock, timed waits) goes on as it should.
 */
final class WallClock {
    private static final List<Path> LIBRARIES = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib64/faketime/libfaketimeMT.so.1"));

    private final Path file;

    WallClock(Path file) {
        this.file = file;
        set(Duration.ZERO);
    }

    static boolean isAdjustable() {
        return library().isPresent();
    }

    /** What a process needs in its environment to have this clock; nothing, where there is no libfaketime. */
    Map<String, String> environment() {
        return library()
                .map(library -> Map.of(
                        "LD_PRELOAD", library.toString(),
                        "FAKETIME_TIMESTAMP_FILE", file.toString(),
                        "FAKETIME_CACHE_DURATION", "1",
                        "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                        // else each timed wait of a JVM, which waits by the monotonic clock, ends at once
                        "FAKETIME_FORCE_MONOTONIC_FIX", "0"))
                .orElse(Map.of());
    }

    /** From now on, or a second later, it is wrong by so much. */
    void set(Duration wrongBy) {
        try {
            Path next = file.resolveSibling(file.getFileName() + ".next");
            Files.writeString(next, (wrongBy.isNegative() ? "" : "+") + wrongBy.toSeconds() + "\n");
            Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the library leaves in shared memory for a process that was killed. */
    static void forget(long pid) {
        for (String name : List.of("faketime_shm_" + pid, "sem.faketime_sem_" + pid)) {
            try {
                Files.deleteIfExists(Path.of("/dev/shm", name));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static Optional<Path> library() {
        return LIBRARIES.stream().filter(Files::exists).findFirst();
    }
}
