package io.agentserver.standalone;

import org.junit.jupiter.api.Assumptions;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * {@code load-tests/locustfile.py} as a process. Without Locust a test is skipped with a clear word, and fails where
 * {@code CI=true}.
 *
 * @param output what it printed, Locust's own words too
 */
record Locust(int exit, String output) {
    private static final Path FILE = Path.of("../../load-tests/locustfile.py");

    /** A file in the temporary directory takes its output, so that a full pipe never stops it. */
    static Locust run(Path scratch, String url, String adminKey, String... options)
            throws IOException, InterruptedException {
        requireInstalled();
        Path output = scratch.resolve("locust.log");
        List<String> command = new ArrayList<>(List.of(
                "locust", "-f", FILE.toAbsolutePath().toString(), "--headless", "--only-summary", "--host", url));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(scratch.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        // where Debian's python3-locust is; bytecode would be written into the sources
        builder.environment().putAll(Map.of("AGENTSERVER_ADMIN_KEY", adminKey, "PYTHONDONTWRITEBYTECODE", "1"));
        Process process = builder.start();
        if (!process.waitFor(180, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new AssertionError("Locust did not end within 180 s: " + Files.readString(output));
        }
        return new Locust(process.exitValue(), Files.readString(output));
    }

    /** The number after a word at the begin of a line of the report. */
    long count(String word) {
        return Pattern.compile("^" + word + " +(\\d+)", Pattern.MULTILINE)
                .matcher(output)
                .results()
                .map(match -> Long.parseLong(match.group(1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no «" + word + "» in " + output));
    }

    private static void requireInstalled() {
        boolean installed = Arrays.stream(
                        System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "locust")));
        if (!installed) {
            String reason = "no locust on the PATH: install the package python3-locust";
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError(reason);
            }
            Assumptions.abort(reason);
        }
    }
}
