package io.agentserver.localstores;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A real redis-server as a child process, on 127.0.0.1.
 *
 * <p>In: a directory and a port (0: any free one). Out: {@link #url()}, usable when {@link #start} returns. It appends
 * every write to its file and syncs that once a second: what it acknowledged survives kill -9 of it and of this
 * process, and not the last second before a power cut.
 *
 * <p>The child ends with this process, also with kill -9 of it: a shell between them waits for the end of its standard
 * input, which the kernel closes. Should even that shell be killed, the next start on the directory stops the orphan.
 */
public final class LocalRedis implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);
    private static final String PID_FILE = "redis.pid";
    private static final Path PROC = Path.of("/proc/self/cmdline");

    /**
     * Signals that a terminal sends to all of its processes (Ctrl-C, hang-up) must not reach Redis, which the services
     * still need to finish their work: the shell ignores them, and setsid, where there is one, shields the server.
     */
    private static final String GUARD = """
            trap '' INT HUP TERM
            exec 3<&0
            if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null 3<&- &
            else "$@" </dev/null 3<&- &
            fi
            server=$!
            ( while read -r line; do :; done; kill "$server" 2>/dev/null ) <&3 3<&- &
            watch=$!
            exec 3<&- </dev/null
            wait "$server"
            kill -KILL "$watch" 2>/dev/null
            """;

    private final Process guard;
    private final Path directory;
    private final int port;

    private LocalRedis(Process guard, Path directory, int port) {
        this.guard = guard;
        this.directory = directory;
        this.port = port;
    }

    /**
     * Blocks until Redis has loaded its data and answers, typically 100 ms.
     *
     * @param directory its own; nobody else may use it at the same time
     * @param port 0 to choose a free one
     * @throws LocalStoreException if it cannot start, with the reason in one line
     */
    public static LocalRedis start(Path directory, int port) {
        return start(directory, port, List.of());
    }

    /** @param options of redis-server besides our own */
    static LocalRedis start(Path directory, int port, List<String> options) {
        Path home = directory.toAbsolutePath().normalize();
        try {
            Files.createDirectories(home);
            home = home.toRealPath();
            stopOrphan(home);
            int chosen = FreePorts.choose(port, "Redis");
            List<String> command = command(RedisBinary.locate(home.resolve("bin")), home, chosen);
            command.addAll(options);
            Process guard = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(home.resolve("redis.log").toFile())
                    .start();
            LocalRedis redis = new LocalRedis(guard, home, chosen);
            redis.awaitReady();
            return redis;
        } catch (IOException failed) {
            throw new LocalStoreException("Redis cannot run in " + home + ": " + failed, failed);
        }
    }

    /** The server's address as clients want it: {@code redis://127.0.0.1:6379}. */
    public String url() {
        return "redis://127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    /** The process id of the redis-server itself, for tests that kill or freeze it. */
    public long pid() {
        return readPid(directory).orElseThrow(() -> new LocalStoreException("Redis in " + directory + " has ended"));
    }

    /** Stops Redis cleanly and waits for it; nothing happens if it has ended already. */
    @Override
    public void close() {
        Optional<ProcessHandle> server = readPid(directory).flatMap(ProcessHandle::of);
        try {
            guard.getOutputStream().close();
        } catch (IOException alreadyClosed) {
            // the guard has ended, and with it Redis; what is left is stopped below
        }
        awaitExit(guard);
        server.filter(process -> isOurs(process, directory)).ifPresent(LocalRedis::stop);
    }

    /** Stops the redis-server that a killed process left behind on this directory, if there is one. */
    static void stopOrphan(Path directory) {
        readPid(directory)
                .flatMap(ProcessHandle::of)
                .filter(process -> isOurs(process, directory))
                .ifPresent(LocalRedis::stop);
    }

    private static List<String> command(Path binary, Path directory, int port) {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", GUARD, "agentserver-redis"));
        command.addAll(List.of(binary.toString(), "--bind", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of("--dir", directory.toString()));
        command.addAll(List.of("--pidfile", directory.resolve(PID_FILE).toString()));
        command.addAll(List.of("--daemonize", "no", "--loglevel", "notice"));
        command.addAll(List.of("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""));
        command.addAll(List.of("--maxmemory-policy", "noeviction"));
        return command;
    }

    private void awaitReady() {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!answers()) {
            boolean ended = !guard.isAlive();
            if (ended || System.nanoTime() > deadline) {
                close();
                throw new LocalStoreException("Redis " + (ended ? "did not start" : "is not ready after " + START_LIMIT)
                        + " on port " + port + " (" + lastLogLine()
                        + "): install redis-server 6.2 or later, or see " + directory.resolve("redis.log"));
            }
            pause();
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(1_000);
            socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
            InputStream answer = socket.getInputStream();
            // "-LOADING …" while it reads its file
            return new String(answer.readNBytes(5), StandardCharsets.US_ASCII).equals("+PONG");
        } catch (IOException notYet) {
            return false;
        }
    }

    private String lastLogLine() {
        try {
            return Files.readAllLines(directory.resolve("redis.log")).stream()
                    .filter(line -> !line.isBlank())
                    .reduce((first, second) -> second)
                    .orElse("no output");
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }

    private static Optional<Long> readPid(Path directory) {
        try {
            String content = Files.readString(directory.resolve(PID_FILE)).strip();
            return content.isEmpty() ? Optional.empty() : Optional.of(Long.valueOf(content));
        } catch (IOException | NumberFormatException noneOrHalfWritten) {
            return Optional.empty();
        }
    }

    /**
     * Process ids are used again, so a process is ours only if it is a Redis that works in this directory. What Linux
     * runs is asked of /proc: its executable may have another name (Debian's is a link to redis-check-rdb).
     */
    private static boolean isOurs(ProcessHandle process, Path directory) {
        Path facts = Path.of("/proc/" + process.pid());
        try {
            if (!Files.exists(PROC)) {
                return process.info().commandLine().orElse("").contains("redis-server");
            }
            return Files.readString(facts.resolve("cmdline")).contains("redis-server")
                    && Files.isSameFile(facts.resolve("cwd"), directory);
        } catch (IOException goneOrAnotherUsers) {
            return false;
        }
    }

    private static void stop(ProcessHandle process) {
        process.destroy();
        long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
        while (process.isAlive()) {
            if (System.nanoTime() > deadline) {
                process.destroyForcibly();
            }
            pause();
        }
    }

    private static void awaitExit(Process process) {
        try {
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(Duration.ofMillis(10));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LocalStoreException("interrupted while waiting for Redis", interrupted);
        }
    }
}
