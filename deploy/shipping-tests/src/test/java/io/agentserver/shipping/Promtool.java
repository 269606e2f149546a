package io.agentserver.shipping;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

/** Prometheus' own judge (Debian's package prometheus), and the metrics that the services have. */
final class Promtool {
    private static final Pattern METRIC = Pattern.compile("\\bagentserver_[a-z_]+");

    private Promtool() {}

    /** Skips the test where it is missing; a failure where {@code CI=true}. */
    static void requireInstalled() {
        boolean found = Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "promtool")));
        if (!found) {
            String need = "promtool is not on the PATH: the rules were not tried; install it (Debian: prometheus)";
            assertThat(System.getenv("CI")).as(need).isNotEqualTo("true");
            abort(need);
        }
    }

    /** What it says; it must be content. */
    static String run(Path directory, String... arguments) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of("promtool"));
        line.addAll(List.of(arguments));
        Process promtool = new ProcessBuilder(line)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(promtool.waitFor()).as(said).isZero();
        return said;
    }

    /** The metrics of ours that a text names; a timer's count is the timer. */
    static Set<String> metrics(String text) {
        return METRIC.matcher(text)
                .results()
                .map(MatchResult::group)
                .map(name -> name.replaceAll("_seconds_count$", "_seconds"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Those that the services have: the page is held against what they export. */
    static Set<String> documentedMetrics() throws IOException {
        return metrics(Files.readString(Path.of("../../docs/metrics.md")));
    }
}
