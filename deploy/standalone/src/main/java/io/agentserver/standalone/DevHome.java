package io.agentserver.standalone;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.Setting;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The directory of a development platform's own secrets and of {@code dev.env}. Files are written whole and moved into
 * place, readable by their owner alone.
 */
final class DevHome {
    private final Path directory;

    private DevHome(Path directory) {
        this.directory = directory;
    }

    static DevHome open(Path directory) {
        try {
            return new DevHome(Files.createDirectories(directory).toAbsolutePath());
        } catch (IOException e) {
            throw new ConfigurationException(
                    "AGENTSERVER_HOME=" + directory + " cannot be made: name a directory that can be written", e);
        }
    }

    /**
     * The settings of a command beside a running {@code dev}: what the environment says, else what {@code dev.env} does,
     * with the key that lies beside it.
     *
     * @throws ConfigurationException if there is neither
     */
    static Map<String, String> forCommands(Path directory, Map<String, String> environment) {
        if (environment.containsKey(Setting.AGENTSERVER_PLATFORM_KEY.name())) {
            return environment;
        }
        Path file = directory.resolve("dev.env");
        Map<String, String> settings = new HashMap<>();
        try {
            for (String line : Files.readAllLines(file)) {
                int equals = line.indexOf('=');
                settings.put(line.substring(0, equals), line.substring(equals + 1));
            }
        } catch (IOException e) {
            throw new ConfigurationException(
                    file + " is not there: start ./agentserver dev, or name the stores by AGENTSERVER_KAFKA,"
                            + " AGENTSERVER_DYNAMODB_URL, AGENTSERVER_BUFFER_ADDRESS and AGENTSERVER_PLATFORM_KEY",
                    e);
        }
        settings.put(
                Setting.AGENTSERVER_PLATFORM_KEY.name(),
                directory.resolve("platform-key.json").toString());
        settings.putAll(environment);
        return settings;
    }

    Path stores() {
        return directory.resolve("stores");
    }

    /**
     * Makes the secrets at the first start, and reads them at the next.
     *
     * @throws ConfigurationException naming the file that is damaged or cannot be used
     */
    void requireSecrets() {
        platformKey();
        platformSecret();
        adminKey();
    }

    /** The platform's key, made at the first start. */
    Path platformKey() {
        Path file = directory.resolve("platform-key.json");
        try {
            PlatformKeys.createIfAbsent(file);
            PlatformKeys.load(file);
            return file;
        } catch (IOException e) {
            throw unwritable(file, e);
        } catch (IllegalArgumentException e) {
            throw damaged(file, e);
        }
    }

    String platformSecret() {
        return readOrCreate(
                "platform-secret",
                "[A-Za-z0-9+/]{43}=",
                () -> Base64.getEncoder().encodeToString(random(32)));
    }

    String adminKey() {
        return readOrCreate(
                "admin-key",
                "as_admin_[0-9a-f]{64}",
                () -> "as_admin_" + HexFormat.of().formatHex(random(32)));
    }

    Optional<String> demoKey() {
        return read("demo-key");
    }

    void keepDemoKey(String secret) {
        write("demo-key", secret);
    }

    /** Forgets the secrets and {@code dev.env}; the stores are forgotten by themselves. */
    void forget() {
        for (String name : new String[] {"platform-key.json", "platform-secret", "admin-key", "demo-key", "dev.env"}) {
            try {
                Files.deleteIfExists(directory.resolve(name));
            } catch (IOException e) {
                throw unwritable(directory.resolve(name), e);
            }
        }
    }

    /** Writes {@code dev.env}: lines that a shell can source. */
    Path writeEnvironment(Map<String, String> variables) {
        return write(
                "dev.env",
                variables.entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue() + "\n")
                        .collect(Collectors.joining()));
    }

    private String readOrCreate(String name, String form, Supplier<String> made) {
        Optional<String> kept = read(name);
        if (kept.isPresent()) {
            if (!kept.get().matches(form)) {
                throw damaged(directory.resolve(name), new IllegalArgumentException("it is not " + form));
            }
            return kept.get();
        }
        String value = made.get();
        write(name, value);
        return value;
    }

    private Optional<String> read(String name) {
        Path file = directory.resolve(name);
        try {
            return Files.exists(file) ? Optional.of(Files.readString(file).strip()) : Optional.empty();
        } catch (IOException e) {
            throw new ConfigurationException(
                    file + " cannot be read: make it readable, or start with --fresh, which forgets everything", e);
        }
    }

    private Path write(String name, String content) {
        Path file = directory.resolve(name);
        try {
            Path fresh = directory.resolve(name + ".new");
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(fresh, content);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            return file;
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static ConfigurationException unwritable(Path file, IOException e) {
        return new ConfigurationException(
                file + " cannot be written: free some space or make its directory writable", e);
    }

    private static ConfigurationException damaged(Path file, Exception e) {
        return new ConfigurationException(
                file + " is damaged: restore it, or start with --fresh, which forgets everything", e);
    }

    private static byte[] random(int count) {
        byte[] bytes = new byte[count];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }
}
