package io.agentserver.sealing;

import io.agentserver.service.PlatformKeys;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** The platform's keys in a file, as an operator rotates them. */
final class PlatformFile {
    private final Path directory;
    private final List<String> keys = new ArrayList<>();

    PlatformFile(Path directory) {
        this.directory = directory;
        rotate();
    }

    /** A new key in front; the others stay behind it. */
    PlatformKeys rotate() {
        Path fresh = directory.resolve(UUID.randomUUID() + ".json");
        try {
            PlatformKeys.createIfAbsent(fresh);
            keys.addFirst(JsonMapper.shared()
                    .readTree(Files.readString(fresh))
                    .path("keys")
                    .path(0)
                    .toString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return all();
    }

    /** Takes all but the first away. */
    PlatformKeys forgetTheOld() {
        keys.subList(1, keys.size()).clear();
        return all();
    }

    PlatformKeys all() {
        Path file = directory.resolve(UUID.randomUUID() + ".json");
        try {
            Files.writeString(file, "{\"keys\":[" + String.join(",", keys) + "]}");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return PlatformKeys.load(file);
    }
}
