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
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One of the platform's processes: started again and again on the same port, killed, frozen, made to crash at a point. */
final class ServiceProcess implements AutoCloseable {
    /** What the chart leaves a pod after its endpoint has gone: {@code termination} in its values. */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(35);

    private final String name;
    private final Role role;
    private final Path home;
    private final Map<String, String> environment;
    private final URI management;
    private final List<Link> links;
    private final Lifeline lifeline;
    private final WallClock clock;
    private @Nullable Process process;
    private boolean wanted;

    /** @param links the ways on which it goes to others */
    ServiceProcess(
            String name, Role role, Path home, Map<String, String> settings, List<Link> links, Lifeline lifeline) {
        this.name = name;
        this.role = role;
        this.home = home;
        this.links = List.copyOf(links);
        this.lifeline = lifeline;
        this.clock = new WallClock(home.resolve(name + ".clock"));
        this.environment = new HashMap<>(settings);
        environment.putAll(clock.environment());
        this.management = URI.create("http://127.0.0.1:" + settings.get(role.managementPort()));
    }

    String name() {
        return name;
    }

    Role role() {
        return role;
    }

    List<Link> links() {
        return links;
    }

    WallClock clock() {
        return clock;
    }

    /** Whether it should run: not, if it was scaled away. */
    boolean isWanted() {
        return wanted;
    }

    long pid() {
        return Objects.requireNonNull(process).pid();
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
                    "-Dfleet.home=" + home, // by which the lifeline knows it
                    "-Xmx384m",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Djdk.trackAllThreads=true", // or virtual ones cannot be counted
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
            lifeline.tie(process);
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
            WallClock.forget(process.pid());
        }
    }

    /**
     * SIGTERM; not wanted any more. It must end by itself, in time.
     *
     * @return its exit status; one that did not run has none: -1
     */
    int stop() {
        wanted = false;
        Process running = process;
        if (running == null || !running.isAlive()) {
            return -1;
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
        return running.exitValue();
    }

    /** Of its platform threads, as {@code jcmd} sees them; or why not. */
    String threadDump() throws IOException, InterruptedException {
        String java = ProcessHandle.current().info().command().orElse("java");
        Process jcmd = new ProcessBuilder(
                        Path.of(java).resolveSibling("jcmd").toString(), Long.toString(pid()), "Thread.print")
                .redirectErrorStream(true)
                .start();
        try (var out = jcmd.inputReader()) {
            String dump = out.readAllAsString();
            jcmd.waitFor();
            return dump;
        }
    }

    boolean isReady(HttpClient http) throws InterruptedException {
        try {
            return isAlive()
                    && http.send(
                                            HttpRequest.newBuilder(management.resolve("/actuator/health/readiness"))
                                                    .timeout(Duration.ofSeconds(5))
                                                    .build(),
                                            HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200;
        } catch (IOException e) {
            return false; // not listening yet, or frozen
        }
    }

    /** Its threads, virtual ones too. */
    int threads() throws InterruptedException {
        if (!isAlive()) {
            return 0;
        }
        Path dump = home.toAbsolutePath().resolve(name + ".threads");
        try {
            Process command = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "jcmd")
                                    .toString(),
                            String.valueOf(pid()),
                            "Thread.dump_to_file",
                            "-overwrite",
                            dump.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (command.waitFor() != 0) {
                return 0; // it ends, or is not far enough
            }
            try (Stream<String> lines = Files.lines(dump)) {
                return (int) lines.filter(line -> line.startsWith("#")).count();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Measured times that are negative, as a clock that is set back may make them. */
    List<String> negativeTimes(HttpClient http) throws IOException, InterruptedException {
        return metrics(http)
                .lines()
                .filter(line -> line.matches("agentserver_[a-z_]*seconds.* -[0-9.].*"))
                .map(line -> name + " measures " + line)
                .toList();
    }

    String metrics(HttpClient http) throws IOException, InterruptedException {
        return http.send(
                        HttpRequest.newBuilder(management.resolve("/actuator/prometheus"))
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
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
        if (process != null) {
            Signals.send("CONT", pid());
        }
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
