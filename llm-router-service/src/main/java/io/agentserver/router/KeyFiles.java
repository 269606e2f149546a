package io.agentserver.router;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The providers' keys that stand in files, as they were when their routes were read. Knows by a hash whether they are others by
 * now; none of them is kept.
 */
record KeyFiles(Map<Path, String> hashes) {
    static final KeyFiles NONE = new KeyFiles(Map.of());

    KeyFiles {
        hashes = Map.copyOf(hashes);
    }

    /** The key in a file; empty: it cannot be read, or there is none in it. */
    static Optional<String> read(Path file) {
        try {
            return Optional.of(Files.readString(file).strip()).filter(key -> !key.isEmpty());
        } catch (IOException unreadable) {
            return Optional.empty(); // told by who needs it, as for a file without a key; what the JDK says is its name
        }
    }

    static String hash(String key) {
        return ChatRequest.sha256(key);
    }

    /** Whether one has changed, or cannot be read any more. */
    boolean haveChanged() {
        return hashes.entrySet().stream()
                .anyMatch(file -> !read(file.getKey()).map(KeyFiles::hash).equals(Optional.of(file.getValue())));
    }
}
