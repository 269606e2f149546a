package io.agentserver.standalone;

import io.agentserver.localstores.LocalStores;
import org.awaitility.Awaitility;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * The five services as containers of the images that deploy/Dockerfile makes: on a read-only root with a writable /tmp, without
 * capabilities, beside real stores on the loopback of this machine. An AOT cache that does not fit ends their start.
 */
final class FiveContainers implements AutoCloseable {
    /** In the order that they are told to stop in: who calls before who is called. */
    static final List<String> SERVICES =
            List.of("gateway-service", "pump-service", "llm-router-service", "billing-service", "buffer-service");

    /** The gateway makes the topic of tenants, without which no other is ready. */
    private static final List<String> FIRST_TO_LAST =
            List.of("gateway-service", "buffer-service", "billing-service", "llm-router-service", "pump-service");

    private static final Path REPOSITORY = Path.of("../..").toAbsolutePath().normalize();
    private static final String DOCKERFILE = "deploy/Dockerfile";
    private static final String KEY = "/run/secrets/platform-key.json";

    private final LocalStores stores;
    private final Map<String, String> settings;
    private final DevHome secrets;
    private final Map<String, String> containers = new LinkedHashMap<>();

    private FiveContainers(Path home) {
        stores = LocalStores.inTemporaryDirectory();
        secrets = DevHome.open(home.resolve("secrets"));
        settings = FiveProcesses.settings(secrets, stores);
    }

    static String baseImage() {
        try {
            return Files.readAllLines(REPOSITORY.resolve(DOCKERFILE)).stream()
                    .filter(line -> line.startsWith("FROM ") && !line.contains(" AS "))
                    .map(line -> line.substring("FROM ".length()))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String image(String service) {
        return "localhost/agentserver-test/" + service;
    }

    /** Two at a time: each is mostly one JVM that starts. */
    static void build() throws Exception {
        try (ExecutorService two = Executors.newFixedThreadPool(2)) {
            List<Future<?>> builds = SERVICES.stream()
                    .<Future<?>>map(
                            service -> two.submit(() -> Podman.build(REPOSITORY, DOCKERFILE, service, image(service))))
                    .toList();
            for (Future<?> build : builds) {
                build.get();
            }
        }
    }

    /** Returns when all health checks have passed, the last of them within three minutes. */
    static FiveContainers start(Path home) throws IOException {
        FiveContainers five = new FiveContainers(home);
        try {
            five.startAll(home);
            return five;
        } catch (RuntimeException | IOException | Error failed) {
            five.close();
            throw failed;
        }
    }

    String gateway() {
        return "http://127.0.0.1:" + settings.get("AGENTSERVER_GATEWAY_PORT");
    }

    DevHome secrets() {
        return secrets;
    }

    /** Runs a command in a service's container. */
    Podman.Ended in(String service, String... command) {
        String[] exec = new String[command.length + 2];
        exec[0] = "exec";
        exec[1] = container(service);
        System.arraycopy(command, 0, exec, 2, command.length);
        return Podman.tried(exec);
    }

    /** SIGTERM, and SIGKILL after 20 s; its exit status, 137 if it was killed. */
    int stop(String service) {
        Podman.done("stop", "--time=20", container(service));
        return Integer.parseInt(Podman.done("inspect", "--format={{.State.ExitCode}}", container(service)));
    }

    String log(String service) {
        return Podman.done("logs", "--tail=40", container(service));
    }

    @Override
    public void close() {
        try {
            containers.values().forEach(container -> Podman.done("rm", "--force", "--time=0", container));
        } finally {
            stores.close();
        }
    }

    private void startAll(Path home) throws IOException {
        Path key = home.resolve("platform-key.json");
        Files.copy(secrets.platformKey(), key);
        // the user of the container is another than ours
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        settings.put("AGENTSERVER_PLATFORM_KEY", KEY);
        Path environment = home.resolve("environment");
        Files.writeString(
                environment,
                settings.entrySet().stream()
                        .filter(setting -> setting.getKey().startsWith("AGENTSERVER_"))
                        .map(setting -> setting.getKey() + "=" + setting.getValue() + "\n")
                        .collect(Collectors.joining("", "", "JAVA_TOOL_OPTIONS=-Xmx512m -XX:AOTMode=on\n")));
        for (String service : FIRST_TO_LAST) {
            String container = "agentserver-test-" + ProcessHandle.current().pid() + "-" + service;
            containers.put(service, container);
            Podman.Ended started = Podman.run(List.of(
                    "--detach",
                    "--name=" + container,
                    "--read-only",
                    "--tmpfs=/tmp",
                    "--cap-drop=all",
                    "--security-opt=no-new-privileges",
                    "--env-file=" + environment,
                    "--volume=" + key + ":" + KEY + ":ro",
                    image(service)));
            if (started.exit() != 0) {
                throw new AssertionError(service + " did not start: " + started.output());
            }
            // one after the other: five JVMs that start at once on two cores keep each other from their stores
            awaitHealthy(service);
        }
    }

    private void awaitHealthy(String service) {
        Awaitility.await(service + " is healthy")
                .atMost(Duration.ofMinutes(3))
                .pollInterval(Duration.ofMillis(500))
                .until(() -> {
                    String running = Podman.done("inspect", "--format={{.State.Running}}", container(service));
                    if (!running.equals("true")) {
                        throw new AssertionError(service + " ended: " + log(service));
                    }
                    return Podman.tried("healthcheck", "run", container(service))
                                    .exit()
                            == 0;
                });
    }

    private String container(String service) {
        String container = containers.get(service);
        if (container == null) {
            throw new IllegalStateException(service + " was not started; started: " + containers.keySet());
        }
        return container;
    }
}
