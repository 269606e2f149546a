package io.agentserver.shipping;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** The alert rules and the scrape configuration, judged by promtool (Debian's package prometheus). */
class AlertRulesTest {
    private static final Path DIRECTORY = Path.of("../prometheus");

    @BeforeAll
    static void promtool() {
        Promtool.requireInstalled();
    }

    @ParameterizedTest
    @ValueSource(strings = {"check rules alerts.yaml", "check config prometheus.yml", "test rules alerts.test.yaml"})
    void pass(String command) throws IOException, InterruptedException {
        Promtool.run(DIRECTORY, command.split(" "));
    }

    @Test
    void each_rule_is_tried_and_says_what_to_do() throws IOException {
        String cases = Files.readString(DIRECTORY.resolve("alerts.test.yaml"));

        assertThat(rules()).hasSizeGreaterThan(5).allSatisfy(rule -> {
            assertThat(cases).contains("alertname: " + rule.get("alert"));
            assertThat(String.valueOf(rule.get("annotations"))).contains("summary", "remedy");
            assertThat(String.valueOf(rule.get("labels"))).containsPattern("critical|warning|info");
        });
    }

    /** A metric that nobody exports never fires; that the page has what is exported is another test's to see. */
    @Test
    void names_metrics_that_the_services_have() throws IOException {
        Set<String> known = Promtool.documentedMetrics();

        assertThat(rules().stream()
                        .flatMap(rule -> Promtool.metrics(String.valueOf(rule.get("expr"))).stream())
                        .collect(Collectors.toSet()))
                .isNotEmpty()
                .isSubsetOf(known);
    }

    @Test
    void scrapes_each_service_on_its_management_port() throws IOException {
        Map<?, ?> config = new Yaml().load(Files.readString(DIRECTORY.resolve("prometheus.yml")));
        Map<?, ?> job = (Map<?, ?>) ((List<?>) requireNonNull(config.get("scrape_configs"))).getFirst();

        assertThat(job.get("job_name")).isEqualTo("agentserver");
        assertThat(job.get("metrics_path")).isEqualTo("/actuator/prometheus");
        assertThat((List<?>) job.get("static_configs"))
                .extracting(Object::toString)
                .containsExactlyInAnyOrderElementsOf(Services.NAMES.stream()
                        .map(name -> "{targets=[" + name + ":"
                                + Services.port(name, "management")
                                + "], labels={component=" + name + "}}")
                        .toList());
    }

    private static List<Map<String, Object>> rules() throws IOException {
        Map<String, List<Map<String, List<Map<String, Object>>>>> file =
                new Yaml().load(Files.readString(DIRECTORY.resolve("alerts.yaml")));
        return file.getOrDefault("groups", List.of()).stream()
                .flatMap(group -> group.getOrDefault("rules", List.of()).stream())
                .toList();
    }
}
