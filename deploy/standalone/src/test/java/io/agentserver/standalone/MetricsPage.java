package io.agentserver.standalone;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Metrics of ours, by name: as docs/metrics.md has them, or as Prometheus's text format does. */
final class MetricsPage {
    /** @param labels besides those that a scrape adds */
    record Metric(String type, Set<String> labels, Set<String> services) {}

    private static final Pattern ROW = Pattern.compile(
            "\\| `((?:agentserver|gen_ai)_[a-z_]+)(?:\\{([a-z_, ]+)\\})?` \\| ([a-z]+) \\| ([a-z, -]+) \\|.*");
    private static final Pattern TYPE = Pattern.compile("# TYPE ((?:agentserver|gen_ai)_[a-z_]+) ([a-z]+)");
    private static final Pattern SAMPLE = Pattern.compile("((?:agentserver|gen_ai)_[a-z_]+)(?:\\{(.*)\\})? \\S+");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"");

    private MetricsPage() {}

    static Map<String, Metric> documented() throws IOException {
        Map<String, Metric> metrics = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("../../docs/metrics.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                metrics.put(row.group(1), new Metric(row.group(3), words(row.group(2)), words(row.group(4))));
            }
        }
        return metrics;
    }

    /** Adds what a service exports. A histogram's greatest value, which Micrometer adds as {@code _max}, counts as its part. */
    static void add(String service, String exposition, Map<String, Metric> metrics) {
        for (String line : exposition.lines().toList()) {
            Matcher type = TYPE.matcher(line);
            Matcher sample = SAMPLE.matcher(line);
            if (type.matches() && !type.group(1).endsWith("_max")) {
                metrics.computeIfAbsent(
                                type.group(1), name -> new Metric(type.group(2), new TreeSet<>(), new TreeSet<>()))
                        .services()
                        .add(service);
            } else if (sample.matches() && sample.group(2) != null) {
                Metric metric = metrics.get(sample.group(1).replaceAll("_(bucket|count|sum)$", ""));
                if (metric != null) {
                    LABEL.matcher(sample.group(2))
                            .results()
                            .map(label -> label.group(1))
                            .filter(label -> !label.equals("le"))
                            .forEach(metric.labels()::add);
                }
            }
        }
    }

    private static Set<String> words(String list) {
        return list == null ? Set.of() : new TreeSet<>(Arrays.asList(list.split(", *")));
    }
}
