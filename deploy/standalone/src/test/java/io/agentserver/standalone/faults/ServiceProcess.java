package io.agentserver.standalone.faults;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One of the platform's processes: started again and again on the same port, killed, frozen, made to crash at a point. */
final class ServiceProcess implements AutoCloseable {
    private static final Duration STOP_LIMIT = Duration.ofSeconds(45);

    private final String name;
    private final Role role;
    private final Path home;
    private final Map<String, String> environment;
    private final URI readiness;
    private @Nullable Process process;
    private boolean wanted;

    ServiceProcess(String name, Role role, Path home, Map<String, String> settings, int managementPort) {
        this.name = name;
        this.role = role;
        this.home = home;
        this.environment = new HashMap<>(settings);
        environment.put(role.managementPort(), String.valueOf(managementPort));
        this.readiness = URI.create("http://127.0.0.1:" + managementPort + "/actuator/health/readiness");
    }

    String name() {
        return name;
    }

    Role role() {
        return role;
    }

    /** Whether it should run: not, if it was scaled away. */
    boolean isWanted() {
        return wanted;
    }

    boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** Returns before it is ready. */
    void start() {
        start(List.of());
    }

    /** It ends at the passing of the point, while the file is there. */
    void startToCrash(CrashPoint point, Path armed, int passing) {
        try {
            Path rules = home.resolve(name + ".btm");
            Files.writeString(rules, point.rule(armed, passing));
            start(List.of("-javaagent:" + byteman() + "=script:" + rules));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void start(List<String> flags) {
        try {
            List<String> command = new ArrayList<>(
                    List.of(ProcessHandle.current().info().command().orElse("java")));
            command.addAll(flags);
            command.addAll(List.of(
                    "-Xmx384m",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-jar",
                    jar(role.module()).toString()));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            home.resolve(name + ".log").toFile()));
            builder.environment().keySet().removeIf(variable -> variable.startsWith("AGENTSERVER_"));
            builder.environment().putAll(environment);
            process = builder.start();
            wanted = true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SIGKILL. */
    void kill() {
        if (process != null) {
            process.destroyForcibly();
            process.onExit().join();
        }
    }

    /** SIGTERM; not wanted any more. It must end by itself, well. */
    void stop() {
        wanted = false;
        Process running = process;
        if (running == null || !running.isAlive()) {
            return;
        }
        running.destroy();
        try {
            if (!running.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                kill();
                throw new AssertionError(name + " did not end within " + STOP_LIMIT + " of SIGTERM: " + tail());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            kill();
        }
    }

    void signal(String signal) {
        if (process != null) {
            Signals.send(signal, process.pid());
        }
    }

    boolean isReady(HttpClient http) throws InterruptedException {
        try {
            return isAlive()
                    && http.send(
                                            HttpRequest.newBuilder(readiness)
                                                    .timeout(Duration.ofSeconds(5))
                                                    .build(),
                                            HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200;
        } catch (IOException e) {
            return false; // not listening yet, or frozen
        }
    }

    String tail() {
        try {
            List<String> lines = Files.readAllLines(home.resolve(name + ".log"));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** How often it has ended at the point. */
    long crashes(CrashPoint point) {
        if (!Files.exists(home.resolve(name + ".log"))) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(home.resolve(name + ".log"))) {
            return lines.filter(line -> line.equals("crash point " + point.name()))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        wanted = false;
        signal("CONT");
        kill();
    }

    private static Path byteman() {
        return Path.of(org.jboss.byteman.agent.Main.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
    }

    private static Path jar(String module) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("../../" + module + "/target"))) {
            return files.filter(f -> f.getFileName().toString().endsWith("-exec.jar"))
                    .findFirst()
                    .orElseThrow(() -> new IOException(
                            "no exec jar of " + module + ": build with ./agentserver test, or ./mvnw package"));
        }
    }
}
