package io.agentserver.standalone;

import org.awaitility.Awaitility;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A packaged jar of ours as a process, its output in a file. */
final class Child {
    private final Process process;
    private final Path log;

    private Child(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** What a process that ended by itself came to. */
    record Ended(int exit, String output) {}

    /** Waits for the end of a command of the jar. */
    static Ended run(String module, Path log, Map<String, String> environment, String... arguments) {
        Child child = start(module, log, environment, arguments);
        try {
            if (!child.process.waitFor(120, TimeUnit.SECONDS)) {
                child.kill();
                throw new AssertionError("did not end within 120 s: " + child.tail());
            }
            return new Ended(child.process.exitValue(), child.tail());
        } catch (InterruptedException e) {
            child.kill();
            throw new AssertionError(e);
        }
    }

    static Child start(String module, Path log, Map<String, String> environment, String... arguments) {
        try {
            List<String> command = new ArrayList<>(List.of(
                    ProcessHandle.current().info().command().orElse("java"),
                    "-Xmx512m",
                    "-XX:TieredStopAtLevel=1",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-jar",
                    jar(module).toString()));
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().keySet().removeIf(name -> name.startsWith("AGENTSERVER_"));
            builder.environment().putAll(environment);
            return new Child(builder.start(), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until a new line of its output starts so; fails with the output's end if the process ends before. */
    void awaitLine(String text, int occurrence) {
        Awaitility.await("«" + text + "» of " + log)
                .atMost(Duration.ofSeconds(180))
                .pollInterval(Duration.ofMillis(100))
                .until(() -> {
                    if (!process.isAlive()) {
                        throw new AssertionError("the process ended with " + process.exitValue() + ": " + tail());
                    }
                    return lines().stream().filter(l -> l.startsWith(text)).count() >= occurrence;
                });
    }

    boolean isAlive() {
        return process.isAlive();
    }

    void kill() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.onExit().join();
        children.forEach(child -> child.onExit().join());
    }

    /** {@code kill -STOP} and its kind. */
    void signal(String name) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
        if (exit != 0) {
            throw new AssertionError("kill -" + name + " " + process.pid() + " answered " + exit);
        }
    }

    void stop() {
        process.destroy();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                kill();
                throw new AssertionError("did not stop within 20 s of SIGTERM: " + tail());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            kill();
        }
    }

    String tail() {
        List<String> lines = lines();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
    }

    private List<String> lines() {
        try (BufferedReader in = Files.newBufferedReader(log, StandardCharsets.UTF_8)) {
            return in.lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path jar(String module) throws IOException {
        Path target = Path.of(module.equals("standalone") ? "target" : "../../" + module + "/target");
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(f -> f.getFileName().toString().endsWith("-exec.jar"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("no exec jar in " + target.toAbsolutePath()
                            + ": build with ./agentserver test, or ./mvnw package"));
        }
    }
}
