package io.agentserver.loadtests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Starts {@code ./agentserver dev} again and again, each time in a new home and on free ports. Out: for each run the time
 * from the command to {@code agentserver is ready}, the resident memory 10 s later (all its processes, from
 * {@code /proc}, so on Linux alone), and the time to stop. The first run, which may have to build, does not count.
 */
final class StartupBench {
    private static final Path SCRIPT = Path.of("agentserver");
    private static final Duration SETTLING = Duration.ofSeconds(10);
    private static final List<String> PORTS = List.of(
            "AGENTSERVER_GATEWAY_PORT",
            "AGENTSERVER_LLM_PORT",
            "AGENTSERVER_BUFFER_PORT",
            "AGENTSERVER_BILLING_PORT",
            "AGENTSERVER_GATEWAY_MANAGEMENT_PORT",
            "AGENTSERVER_LLM_MANAGEMENT_PORT",
            "AGENTSERVER_BUFFER_MANAGEMENT_PORT",
            "AGENTSERVER_PUMP_MANAGEMENT_PORT",
            "AGENTSERVER_BILLING_MANAGEMENT_PORT");

    private final Settings settings;

    record Settings(int runs) {
        static Settings of(Options options) {
            return new Settings(options.only("runs").number("runs", 5));
        }
    }

    private record Run(Duration ready, long residentKib, Duration stopped) {}

    StartupBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        if (!Files.isExecutable(SCRIPT)) {
            throw new WrongArguments("there is no ./agentserver here: run this in the root of the checkout");
        }
        List<Run> runs = new ArrayList<>();
        for (int i = 0; i <= settings.runs(); i++) {
            Run run = once();
            System.out.printf(
                    Locale.ROOT,
                    "%s: ready after %.1f s, %d MiB resident, stopped in %.1f s%n",
                    i == 0 ? "not counted" : "run " + i,
                    seconds(run.ready()),
                    run.residentKib() / 1024,
                    seconds(run.stopped()));
            if (i > 0) {
                runs.add(run);
            }
        }
        Run median =
                runs.stream().sorted(Comparator.comparing(Run::ready)).toList().get(runs.size() / 2);
        long most = runs.stream().mapToLong(Run::residentKib).max().orElseThrow();
        System.out.printf(
                Locale.ROOT,
                "%n| runs | ready, median | resident after 10 s, most |%n|---|---|---|%n| %d | %.1f s | %d MiB |%n",
                runs.size(),
                seconds(median.ready()),
                most / 1024);
    }

    private static Run once() throws IOException, InterruptedException {
        Path home = Files.createTempDirectory("agentserver-startup-");
        ProcessBuilder command =
                new ProcessBuilder(SCRIPT.toAbsolutePath().toString(), "dev").redirectErrorStream(true);
        command.environment().put("AGENTSERVER_HOME", home.toString());
        List<Integer> ports = freePorts(PORTS.size());
        for (int i = 0; i < PORTS.size(); i++) {
            command.environment().put(PORTS.get(i), ports.get(i).toString());
        }
        long begun = System.nanoTime();
        Process process = command.start();
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            awaitReady(output);
            Duration ready = since(begun);
            Thread reader =
                    Thread.ofVirtual().start(() -> output.lines().forEach(line -> {})); // a full pipe would block it
            Thread.sleep(SETTLING);
            long resident = resident(process);
            long stopping = System.nanoTime();
            process.destroy();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                throw new IOException("./agentserver dev did not stop in 60 s");
            }
            reader.join();
            return new Run(ready, resident, since(stopping));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
            delete(home);
        }
    }

    private static void awaitReady(BufferedReader output) throws IOException {
        StringBuilder said = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.startsWith("agentserver is ready")) {
                return;
            }
            said.append(line).append('\n');
        }
        throw new IOException("./agentserver dev ended before it was ready:\n" + said);
    }

    private static long resident(Process process) throws IOException {
        long sum = 0;
        for (ProcessHandle each : Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .toList()) {
            for (String line : Files.readAllLines(Path.of("/proc", Long.toString(each.pid()), "status"))) {
                if (line.startsWith("VmRSS:")) {
                    sum += Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        }
        return sum;
    }

    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> held = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                held.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return held.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            for (ServerSocket each : held) {
                each.close();
            }
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static Duration since(long nanos) {
        return Duration.ofNanos(System.nanoTime() - nanos);
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1000.0;
    }
}
