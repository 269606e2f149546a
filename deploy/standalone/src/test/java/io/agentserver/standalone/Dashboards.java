package io.agentserver.standalone;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What Grafana's dashboards ask Prometheus. */
final class Dashboards {
    static final Path DIRECTORY = Path.of("../grafana/dashboards");

    private Dashboards() {}

    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .toList();
        }
    }

    static JsonNode read(Path file) throws IOException {
        return JsonMapper.shared().readTree(Files.readString(file));
    }

    /** Every panel's queries by «file: panel», with what Grafana puts in for its variables. */
    static Map<String, String> queries() throws IOException {
        Map<String, String> queries = new LinkedHashMap<>();
        for (Path file : files()) {
            for (JsonNode panel : read(file).path("panels")) {
                for (JsonNode target : panel.path("targets")) {
                    queries.put(
                            "%s: %d %s %s"
                                    .formatted(
                                            file.getFileName(),
                                            panel.path("id").asInt(0),
                                            panel.path("title").asString(""),
                                            target.path("refId").asString("")),
                            filledIn(target.path("expr").asString("")));
                }
            }
        }
        return queries;
    }

    private static String filledIn(String query) {
        return query.replace("$__rate_interval", "10s")
                .replace("$__range", "30s")
                .replace("=\"$tenant\"", "=\"demo\"")
                .replaceAll("=~\"\\$[a-z]+\"", "=~\".+\"");
    }
}
