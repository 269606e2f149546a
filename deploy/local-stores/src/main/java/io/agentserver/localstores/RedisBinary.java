package io.agentserver.localstores;

import redis.embedded.core.ExecutableProvider;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds a redis-server that can run here: the installed one if it is 6.2 or later, else the one that embedded-redis
 * ships (6.2; Linux and macOS, x86-64 and ARM; it needs libssl3 on Linux), unpacked into the given directory.
 */
final class RedisBinary {
    private static final Pattern VERSION = Pattern.compile("v=(\\d+)\\.(\\d+)");
    private static final int OLDEST_MAJOR = 6;
    private static final int OLDEST_MINOR = 2;

    private RedisBinary() {}

    static Path locate(Path unpackInto) throws IOException {
        Optional<Path> installed = installed();
        return installed.isPresent() ? installed.get() : unpack(unpackInto);
    }

    private static Optional<Path> installed() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
        return Stream.of(path.split(Pattern.quote(File.pathSeparator), -1))
                .filter(directory -> !directory.isBlank())
                .map(directory -> Path.of(directory, "redis-server"))
                .filter(Files::isExecutable)
                .filter(RedisBinary::isRecent)
                .findFirst();
    }

    private static boolean isRecent(Path binary) {
        try {
            Process process = new ProcessBuilder(binary.toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
            Matcher version =
                    VERSION.matcher(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            if (!version.find()) {
                return false;
            }
            int major = Integer.parseInt(version.group(1));
            int minor = Integer.parseInt(version.group(2));
            return major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR);
        } catch (IOException cannotRun) {
            return false; // the shipped one is tried instead
        }
    }

    static Path unpack(Path directory) throws IOException {
        Files.createDirectories(directory);
        return ExecutableProvider.newJarResourceProvider(directory.toFile())
                .get()
                .toPath();
    }
}
