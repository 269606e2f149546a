package io.agentserver.localstores;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A main class run in a JVM of its own, with the Java and the class path of this one, so that a test can kill it.
 *
 * <p>In: the class, its arguments. Out: its lines of standard output, read on a virtual thread so that it never waits
 * for us; its standard error goes to ours. Its standard input ends when this process does, however that ends: a main
 * class that waits for that leaves no orphan.
 */
public final class ChildJvm implements AutoCloseable {
    private static final List<String> FLAGS =
            List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow", "-Xmx512m");
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    private final Process process;
    private final BlockingQueue<Optional<String>> output = new LinkedBlockingQueue<>();

    private ChildJvm(Process process) {
        this.process = process;
        Thread.ofVirtual().name("output-of-" + process.pid()).start(this::readOutput);
    }

    public static ChildJvm start(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        try {
            return new ChildJvm(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException failed) {
            throw new LocalStoreException("cannot start a JVM for " + main.getName() + ": " + failed, failed);
        }
    }

    /**
     * Blocks until it prints a line with this prefix, passing over the others, and returns the rest of that line.
     *
     * @throws LocalStoreException if it ends or the time is up before that
     */
    public String awaitLine(String prefix, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                Optional<String> line = output.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (line == null || line.isEmpty()) {
                    throw new LocalStoreException("process " + pid() + " printed no line with '" + prefix + "' "
                            + (line == null ? "in " + limit : "before it ended"));
                }
                if (line.get().startsWith(prefix)) {
                    return line.get().substring(prefix.length());
                }
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LocalStoreException("interrupted while waiting for process " + pid(), interrupted);
        }
    }

    public long pid() {
        return process.pid();
    }

    public ProcessHandle handle() {
        return process.toHandle();
    }

    /** SIGKILL; returns when it is gone. What it started is not touched. */
    public void kill() {
        process.destroyForcibly();
        awaitExit();
    }

    /** SIGTERM, and SIGKILL after 20 s; returns when it is gone. */
    @Override
    public void close() {
        process.destroy();
        awaitExit();
    }

    private void readOutput() {
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                output.add(Optional.of(line));
            }
        } catch (IOException closed) {
            // it was killed; what it printed before that is in the queue
        } finally {
            output.add(Optional.empty());
        }
    }

    private void awaitExit() {
        try {
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
