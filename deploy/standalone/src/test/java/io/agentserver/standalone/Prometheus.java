package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A real Prometheus (Debian's package {@code prometheus}) with our alert rules, which looks each second. Without one a test is
 * skipped with a clear word, and fails where {@code CI=true}.
 */
final class Prometheus implements AutoCloseable {
    private final Process process;
    private final Path log;
    private final String url;
    private final HttpClient http = HttpClient.newHttpClient();

    private Prometheus(Process process, Path log, String url) {
        this.process = process;
        this.log = log;
        this.url = url;
    }

    /** @param targets management ports, by component */
    static Prometheus start(Path home, Map<String, Integer> targets) throws IOException {
        requireInstalled();
        StringBuilder config = new StringBuilder(
                """
                global: {scrape_interval: 1s, evaluation_interval: 1s}
                rule_files: ["%s"]
                scrape_configs:
                  - job_name: agentserver
                    metrics_path: /actuator/prometheus
                    static_configs:
                """.formatted(Path.of("../prometheus/alerts.yaml").toRealPath()));
        targets.forEach((component, port) -> config.append("      - {targets: [\"127.0.0.1:")
                .append(port)
                .append("\"], labels: {component: ")
                .append(component)
                .append("}}\n"));
        Path file = Files.writeString(home.resolve("prometheus.yml"), config);
        Path log = home.resolve("prometheus.log");
        int port = FreePorts.take();
        Process process = new ProcessBuilder(
                        "prometheus",
                        "--config.file=" + file,
                        "--storage.tsdb.path=" + home.resolve("prometheus"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Prometheus prometheus = new Prometheus(process, log, "http://127.0.0.1:" + port);
        Awaitility.await("Prometheus is ready")
                .atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> prometheus.get("/-/ready").statusCode() == 200);
        return prometheus;
    }

    private static void requireInstalled() {
        boolean found = Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "prometheus")));
        if (!found) {
            String need =
                    "no prometheus on the PATH: dashboards and rules were not tried; install it (Debian: prometheus)";
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError(need);
            }
            Assumptions.abort(need);
        }
    }

    /** The values that it gives now; NaN, which is no answer to anybody, left out. */
    List<Double> values(String expression) {
        HttpResponse<String> response =
                get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        if (response.statusCode() != 200) {
            throw new AssertionError(expression + ": " + response.body());
        }
        return JsonMapper.shared()
                .readTree(response.body())
                .path("data")
                .path("result")
                .valueStream()
                .map(series -> Double.parseDouble(series.path("value").path(1).stringValue()))
                .filter(value -> !value.isNaN())
                .toList();
    }

    /** The alert rules as it has evaluated them. */
    List<JsonNode> alertRules() {
        return JsonMapper.shared()
                .readTree(get("/api/v1/rules?type=alert").body())
                .path("data")
                .path("groups")
                .valueStream()
                .flatMap(group -> group.path("rules").valueStream())
                .toList();
    }

    private HttpResponse<String> get(String path) {
        try {
            if (!process.isAlive()) {
                throw new AssertionError("Prometheus ended: " + Files.readString(log));
            }
            return http.send(
                    HttpRequest.newBuilder(URI.create(url + path))
                            .timeout(Duration.ofSeconds(10))
                            .build(),
                    BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
        http.close();
    }
}
