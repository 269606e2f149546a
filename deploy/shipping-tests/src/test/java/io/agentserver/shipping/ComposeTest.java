package io.agentserver.shipping;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** docker-compose.yml as far as it can be read: no image is pulled and no container started. */
class ComposeTest {
    private static final Path ROOT = Path.of("../..");
    private static final Pattern ADDRESS = Pattern.compile("(?:[a-z]+://)?([a-z-]+):([0-9]+)(?:/.*)?");
    private static final Map<String, Integer> OTHERS =
            Map.of("kafka", 9092, "redis", 6379, "dynamodb", 8000, "jaeger", 4318, "prometheus", 9090);
    /** Services take these as well, in code instead of in their configuration files. */
    private static final Set<String> OF_EVERY_SERVICE =
            Set.of("AGENTSERVER_OTLP_ENDPOINT", "AGENTSERVER_LOG_FORMAT", "AGENTSERVER_METRICS_TENANTS");
    /** What a service has a default for, or does without. */
    private static final Set<String> OPTIONAL = Set.of(
            "AGENTSERVER_ALLOW_LOOPBACK",
            // one machine has no second place for a backup
            "AGENTSERVER_BACKUP_BUCKET",
            "AGENTSERVER_BACKUP_KEPT",
            "AGENTSERVER_BACKUP_PERIOD",
            "AGENTSERVER_BACKUP_PREFIX",
            "AGENTSERVER_BACKUP_REGION",
            "AGENTSERVER_BIND",
            "AGENTSERVER_BUFFER_CONVERSATION_BYTES",
            "AGENTSERVER_BUFFER_TENANT_BYTES",
            "AGENTSERVER_BUFFER_THREAD_SLOTS",
            "AGENTSERVER_BUFFER_TTL",
            "AGENTSERVER_KAFKA_PROPERTIES",
            "AGENTSERVER_LLM_ROUTES",
            "AGENTSERVER_RECONCILE_EVERY",
            // AWS alone has CloudFront
            "AGENTSERVER_S3_URL",
            "AGENTSERVER_STATIC_BUCKET",
            "AGENTSERVER_STATIC_KEY",
            "AGENTSERVER_STATIC_KEY_ID",
            "AGENTSERVER_STATIC_URL",
            // of dev alone
            "AGENTSERVER_CONSOLE_DEMO",
            "AGENTSERVER_TEST_CARD",
            // who signs people in, and who takes their money, is the installation's own
            "AGENTSERVER_CONSOLE_URL",
            "AGENTSERVER_OIDC_CLIENT_ID",
            "AGENTSERVER_OIDC_CLIENT_SECRET",
            "AGENTSERVER_OIDC_ISSUER",
            "AGENTSERVER_STRIPE_ACCOUNT",
            "AGENTSERVER_STRIPE_KEY",
            "AGENTSERVER_STRIPE_METER",
            "AGENTSERVER_STRIPE_URL",
            "AGENTSERVER_STRIPE_WEBHOOK_SECRET");

    private final Map<String, Map<String, Object>> services = services();

    @Test
    void has_the_five_services_their_stores_and_what_watches_them() {
        assertThat(services.keySet())
                .containsAll(Services.NAMES)
                .containsAll(OTHERS.keySet())
                .contains("grafana");
    }

    /** Version 1 refuses the project's name, which version 2 wants to have; it refuses any other key that it does not know too. */
    @Test
    void is_taken_by_docker_compose(@TempDir Path scratch) throws IOException, InterruptedException {
        Path file = Files.writeString(
                scratch.resolve("docker-compose.yml"),
                Files.readString(ROOT.resolve("docker-compose.yml")).replaceFirst("(?m)^name: .*$", ""));
        ProcessBuilder command = new ProcessBuilder(Stream.concat(
                        compose().stream(),
                        Stream.of("--file", file.toString(), "--project-directory", ROOT.toString(), "config"))
                .toList());
        command.environment().put("AGENTSERVER_PLATFORM_SECRET", "s");
        command.environment().put("AGENTSERVER_ADMIN_KEY", "a");
        Process compose = command.redirectErrorStream(true).start();
        String said = new String(compose.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(compose.waitFor()).as(said).isZero();
        assertThat(said).contains("agentserver/gateway-service");
    }

    /** The command, as a program of its own or as docker's plugin; without either the test is skipped, and fails in CI. */
    private static List<String> compose() throws IOException, InterruptedException {
        for (List<String> command : List.of(List.of("docker-compose"), List.of("docker", "compose"))) {
            String version = String.join(" ", command) + " version >/dev/null 2>&1";
            if (new ProcessBuilder("sh", "-c", version).start().waitFor() == 0) {
                return command;
            }
        }
        String need = "docker-compose is not installed: docker-compose.yml was not tried; install it (Debian:"
                + " docker-compose)";
        assertThat(System.getenv("CI")).as(need).isNotEqualTo("true");
        return Assumptions.abort(need);
    }

    @Test
    void gives_each_service_what_it_reads_and_nothing_else() {
        for (String name : Services.NAMES) {
            Set<String> reads = new TreeSet<>(Services.settingsOf(name));
            Set<String> given = environment(name).keySet().stream()
                    .filter(variable -> variable.startsWith("AGENTSERVER_"))
                    .collect(Collectors.toCollection(TreeSet::new));
            assertThat(given).as(name).allMatch(Services::isSetting);
            given.removeAll(OF_EVERY_SERVICE);
            assertThat(given).as("what " + name + " is given").isSubsetOf(reads);
            reads.removeAll(OPTIONAL);
            reads.removeIf(setting -> setting.endsWith("_PORT"));
            assertThat(given).as("what " + name + " needs").containsAll(reads);
        }
    }

    @Test
    void every_address_is_a_service_of_the_file_on_its_port() {
        for (String name : Services.NAMES) {
            environment(name).forEach((variable, value) -> {
                var address = ADDRESS.matcher(value);
                if (address.matches()) {
                    String host = address.group(1);
                    int port = Integer.parseInt(address.group(2));
                    assertThat(services).as(name + ": " + variable).containsKey(host);
                    if (Services.NAMES.contains(host)) {
                        assertThat(Services.ports(host).values()).contains(port);
                    } else {
                        assertThat(OTHERS).containsEntry(host, port);
                    }
                }
            });
        }
        assertThat(environment("pump").get("AGENTSERVER_BUFFER_ADDRESS")).isEqualTo("buffer:8082");
    }

    /** On this machine alone, and on the port that CONTRACTS says. */
    @Test
    void shows_the_public_ports_and_no_other_of_ours() {
        for (String name : Services.NAMES) {
            Integer http = Services.ports(name).get("http");
            assertThat((List<?>) service(name).getOrDefault("ports", List.of()))
                    .as(name)
                    .extracting(String::valueOf)
                    .isEqualTo(http == null ? List.of() : List.of("127.0.0.1:" + http + ":" + http));
        }
        services.forEach((name, service) -> assertThat((List<?>) service.getOrDefault("ports", List.of()))
                .as(name)
                .extracting(String::valueOf)
                .allMatch(port -> port.startsWith("127.0.0.1:")));
    }

    @Test
    void builds_ours_and_pins_the_others() {
        services.forEach((name, service) -> {
            String image = String.valueOf(service.get("image"));
            if (Services.NAMES.contains(name)) {
                Map<?, ?> build = (Map<?, ?>) requireNonNull(service.get("build"), name);
                assertThat(build.get("args")).isEqualTo(Map.of("SERVICE", name + "-service"));
                assertThat(ROOT.resolve(String.valueOf(build.get("dockerfile"))))
                        .exists();
                assertThat(ROOT.resolve(name + "-service/pom.xml")).exists();
                assertThat(image).startsWith("agentserver/" + name + "-service:");
                assertThat(service).containsEntry("read_only", true).containsEntry("cap_drop", List.of("ALL"));
                assertThat(service.get("tmpfs")).isEqualTo(List.of("/tmp"));
            } else {
                assertThat(image).as(name).matches("[a-z/-]+:v?[0-9]+\\.[0-9]+\\.[0-9]+");
            }
        });
    }

    @Test
    void mounts_what_is_there() {
        services.forEach((name, service) -> {
            for (Object volume : (List<?>) service.getOrDefault("volumes", List.of())) {
                String source = String.valueOf(volume).split(":", -1)[0];
                if (source.startsWith(".")) {
                    assertThat(ROOT.resolve(source)).as(name).isDirectory();
                }
            }
        });
        for (String name : Services.NAMES) {
            assertThat(environment(name).get("AGENTSERVER_PLATFORM_KEY")).isEqualTo("/run/secrets/platform-key.json");
            assertThat(service(name).get("secrets")).isEqualTo(List.of("platform-key.json"));
        }
    }

    @Test
    void grafana_asks_the_prometheus_and_the_jaeger_of_the_file() throws IOException {
        Map<String, List<Map<String, Object>>> file = new Yaml()
                .load(Files.readString(ROOT.resolve("deploy/grafana/provisioning/datasources/agentserver.yaml")));

        assertThat(requireNonNull(file.get("datasources")))
                .extracting(source -> String.valueOf(source.get("url")))
                .containsExactly("http://prometheus:9090", "http://jaeger:16686");
    }

    @Test
    void grafana_is_shown_its_dashboards_where_it_looks_for_them() throws IOException {
        Map<String, List<Map<String, Map<String, Object>>>> file = new Yaml()
                .load(Files.readString(ROOT.resolve("deploy/grafana/provisioning/dashboards/agentserver.yaml")));
        Object path = requireNonNull(file.get("providers"))
                .getFirst()
                .getOrDefault("options", Map.of())
                .get("path");

        assertThat((List<?>) service("grafana").get("volumes"))
                .extracting(String::valueOf)
                .contains("./deploy/grafana/dashboards:" + path + ":ro");
    }

    private Map<String, Object> service(String name) {
        return requireNonNull(services.get(name), name);
    }

    private Map<String, String> environment(String service) {
        Map<String, String> environment = new TreeMap<>();
        ((Map<?, ?>) requireNonNull(service(service).get("environment")))
                .forEach((variable, value) ->
                        environment.put(String.valueOf(variable), value == null ? "" : String.valueOf(value)));
        return environment;
    }

    private static Map<String, Map<String, Object>> services() {
        try {
            Map<String, Map<String, Map<String, Object>>> file =
                    new Yaml().load(Files.readString(ROOT.resolve("docker-compose.yml")));
            return requireNonNull(file.get("services"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
