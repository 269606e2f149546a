package io.agentserver.shipping;

import io.agentserver.service.Setting;
import io.fabric8.autoscaling.api.model.v1.VerticalPodAutoscaler;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.networking.v1.HTTPIngressPath;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The chart, rendered by Helm for each cloud; every object has passed {@link StrictReader}. Nothing is applied to a cluster. */
class ChartTest {
    static final List<String> clouds = Chart.CLOUDS;

    private static final Map<String, Object> EVERYTHING = Map.of(
            "keda.enabled", true,
            "vpa.enabled", true,
            "serviceMonitor.enabled", true,
            "prometheusRule.enabled", true,
            "ingress.enabled", true,
            "ingress.hosts.gateway", "api.example.com",
            "ingress.hosts.llm-router", "llm.example.com",
            "ingress.hosts.billing", "console.example.com");

    @ParameterizedTest
    @FieldSource("clouds")
    void lints_without_a_warning(String cloud, @TempDir Path scratch) throws IOException {
        var result = Chart.lint(cloud, scratch);

        assertThat(result.isFailed()).as(result.getMessages().toString()).isFalse();
        assertThat(result.getMessages()).noneMatch(message -> message.contains("WARNING"));
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void selects_each_service_s_own_pods_and_no_others(String cloud) {
        Rendered chart = Chart.render(cloud);

        Map<String, Map<String, String>> podLabels = chart.all(Deployment.class).stream()
                .collect(Collectors.toMap(
                        deployment -> deployment.getMetadata().getName(),
                        deployment ->
                                deployment.getSpec().getTemplate().getMetadata().getLabels()));
        assertThat(podLabels.keySet())
                .isEqualTo(Services.NAMES.stream()
                        .map(name -> "agentserver-" + name)
                        .collect(Collectors.toSet()));
        // a Service that selected it would send requests to a pod that answers none
        podLabels.put("agentserver-reconcile", reconcile(chart).getMetadata().getLabels());
        for (HasMetadata object : chart.objects()) {
            Map<String, String> selector = switch (object) {
                case Deployment it -> it.getSpec().getSelector().getMatchLabels();
                case Service it -> it.getSpec().getSelector();
                case PodDisruptionBudget it -> it.getSpec().getSelector().getMatchLabels();
                case NetworkPolicy it -> it.getSpec().getPodSelector().getMatchLabels();
                default -> Map.of();
            };
            if (!selector.isEmpty()) {
                assertThat(selected(podLabels, selector))
                        .as(object.getKind() + " " + object.getMetadata().getName())
                        .containsExactly(object.getMetadata().getName());
            }
        }
        assertThat(chart.all(Service.class)).hasSize(5);
        assertThat(chart.all(PodDisruptionBudget.class)).hasSize(5);
        assertThat(chart.all(NetworkPolicy.class)).hasSize(6);
    }

    @Test
    void has_the_ports_that_the_contracts_say() {
        Rendered chart = Chart.render("");

        for (String name : Services.NAMES) {
            Map<String, Integer> ports = Services.ports(name);
            assertThat(container(chart, name).getPorts().stream()
                            .collect(Collectors.toMap(ContainerPort::getName, ContainerPort::getContainerPort)))
                    .isEqualTo(ports);
            assertThat(chart.one(Service.class, "agentserver-" + name).getSpec().getPorts())
                    .allSatisfy(port -> {
                        assertThat(port.getPort()).isEqualTo(ports.get(port.getName()));
                        assertThat(port.getTargetPort().getStrVal()).isEqualTo(port.getName());
                    })
                    .hasSameSizeAs(ports.keySet());
        }
        assertThat(environment(chart, "gateway"))
                .containsEntry("AGENTSERVER_BUFFER_ADDRESS", "agentserver-buffer:8082")
                .containsEntry("AGENTSERVER_BILLING_URL", "http://agentserver-billing:8084");
        assertThat(environment(chart, "pump"))
                .containsEntry("AGENTSERVER_BUFFER_ADDRESS", "agentserver-buffer:8082")
                .containsEntry("AGENTSERVER_LLM_URL", "http://agentserver-llm-router:8081");
    }

    @Test
    void moves_a_port_everywhere_at_once() {
        Rendered chart =
                Chart.render("", Map.of("config.AGENTSERVER_BUFFER_PORT", 7082, "config.AGENTSERVER_LLM_PORT", 7081));

        assertThat(environment(chart, "buffer")).containsEntry("AGENTSERVER_BUFFER_PORT", "7082");
        assertThat(container(chart, "buffer").getPorts())
                .anyMatch(port ->
                        port.getContainerPort() == 7082 && port.getName().equals("grpc"));
        assertThat(environment(chart, "gateway"))
                .containsEntry("AGENTSERVER_BUFFER_ADDRESS", "agentserver-buffer:7082");
        assertThat(environment(chart, "pump"))
                .containsEntry("AGENTSERVER_LLM_URL", "http://agentserver-llm-router:7081");
    }

    /** Whoever gives a service a setting adds it to files/services.yaml, and to values.schema.json if it is new. */
    @Test
    void gives_each_service_the_settings_that_it_reads() throws IOException {
        Map<String, Object> services = Chart.yaml(Chart.DIRECTORY.resolve("files/services.yaml"));

        assertThat(services.keySet()).containsExactlyInAnyOrderElementsOf(Services.NAMES);
        for (String name : Services.NAMES) {
            Map<?, ?> service = (Map<?, ?>) requireNonNull(services.get(name));
            assertThat((List<?>) service.get("reads"))
                    .extracting(String::valueOf)
                    .filteredOn(variable -> variable.startsWith("AGENTSERVER_"))
                    .as("what " + name + " reads, in files/services.yaml and in " + name + ".yml")
                    .containsExactlyInAnyOrderElementsOf(Services.settingsOf(name));
        }
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void names_only_known_settings(String cloud) {
        Rendered chart = Chart.render(cloud);

        for (String name : Services.NAMES) {
            assertThat(chart.environment(name).keySet())
                    .filteredOn(variable -> variable.startsWith("AGENTSERVER_"))
                    .isNotEmpty()
                    .allMatch(Services::isSetting);
            // else Kubernetes adds AGENTSERVER_GATEWAY_PORT=tcp://… of its own, and more that no service knows
            assertThat(pod(chart, name).getEnableServiceLinks()).isFalse();
        }
    }

    @Test
    void has_every_setting_in_reach() {
        for (Setting setting : Setting.values()) {
            if (Services.NOT_SHIPPED.contains(setting)) {
                assertThatThrownBy(() -> Chart.render("", Map.of("config." + setting, "x")))
                        .hasMessageContaining(setting.name());
                continue;
            }
            Map<String, Object> given = switch (setting) {
                case AGENTSERVER_PLATFORM_KEY, AGENTSERVER_PLATFORM_SECRET -> Map.of(); // always given
                case AGENTSERVER_LLM_ROUTES -> Map.of("llmRoutes", "routes: {}");
                case AGENTSERVER_ADMIN_KEY,
                        AGENTSERVER_KAFKA_PROPERTIES,
                        AGENTSERVER_STATIC_KEY,
                        AGENTSERVER_STRIPE_KEY,
                        AGENTSERVER_STRIPE_WEBHOOK_SECRET,
                        AGENTSERVER_OIDC_CLIENT_SECRET -> Map.of("secrets." + setting + ".value", "k");
                default -> Map.of("config." + setting, sample(setting));
            };
            Rendered chart = Chart.render("", given);
            assertThat(Services.NAMES.stream()
                            .filter(name -> chart.environment(name).containsKey(setting.name())))
                    .as("services that are given " + setting)
                    .isNotEmpty()
                    .allMatch(name -> Services.settingsOf(name).contains(setting.name())
                            || setting == Setting.AGENTSERVER_LOG_FORMAT
                            || setting == Setting.AGENTSERVER_METRICS_TENANTS
                            || setting == Setting.AGENTSERVER_OTLP_ENDPOINT);
        }
    }

    @Test
    void shows_a_secret_to_those_who_need_it() {
        Rendered chart = Chart.render(
                "",
                Map.of(
                        "secrets.AGENTSERVER_ADMIN_KEY.value", "0123456789abcdef0123456789abcdef",
                        "secrets.OPENAI_API_KEY.secret", "providers",
                        "secrets.OPENAI_API_KEY.key", "openai"));

        assertThat(holders(chart, "AGENTSERVER_PLATFORM_SECRET")).containsExactlyInAnyOrder("gateway", "pump");
        assertThat(holders(chart, "AGENTSERVER_ADMIN_KEY")).containsExactly("gateway");
        assertThat(holders(chart, "OPENAI_API_KEY")).containsExactly("llm-router");
        EnvVar admin = requireNonNull(chart.environment("gateway").get("AGENTSERVER_ADMIN_KEY"));
        assertThat(admin.getValueFrom().getSecretKeyRef().getName()).isEqualTo("agentserver");
        String given = chart.one(Secret.class, "agentserver").getData().get("AGENTSERVER_ADMIN_KEY");
        assertThat(new String(Base64.getDecoder().decode(given), StandardCharsets.UTF_8))
                .isEqualTo("0123456789abcdef0123456789abcdef");
        // what is in a Secret that was there is not copied
        assertThat(chart.all(Secret.class))
                .hasSize(1)
                .first()
                .satisfies(secret -> assertThat(secret.getData().keySet()).containsExactly("AGENTSERVER_ADMIN_KEY"));
        assertThat(chart.text()).doesNotContain("0123456789abcdef0123456789abcdef");
    }

    /** The SDK finds the role of a ServiceAccount only with the module sts, and without it says so at the first call alone. */
    @Test
    void gives_a_role_to_services_that_can_take_it() throws IOException {
        Map<String, Object> services = Chart.yaml(Chart.DIRECTORY.resolve("files/services.yaml"));

        for (ServiceAccount account : Chart.render("eks").all(ServiceAccount.class)) {
            String name = account.getMetadata().getName().substring("agentserver-".length());
            boolean dynamo = String.valueOf(services.get(name)).contains("dynamodb");
            assertThat(String.valueOf(account.getMetadata().getAnnotations()).contains("role/agentserver-" + name))
                    .as("a role for " + name)
                    .isEqualTo(dynamo);
            assertThat(Files.readString(Path.of("../../" + name + "-service/pom.xml"))
                            .contains("<artifactId>sts</artifactId>"))
                    .as("sts in " + name)
                    .isEqualTo(dynamo);
        }
    }

    @Test
    void starts_new_pods_when_a_given_secret_changes() {
        Map<String, Object> one = Map.of("secrets.AGENTSERVER_ADMIN_KEY.value", "one");
        Map<String, Object> two = Map.of("secrets.AGENTSERVER_ADMIN_KEY.value", "two");

        assertThat(checksum(Chart.render("", one)))
                .isEqualTo(checksum(Chart.render("", one)))
                .isNotEqualTo(checksum(Chart.render("", two)));
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void mounts_every_file_that_a_setting_names(String cloud) {
        Rendered chart = Chart.render(cloud, Map.of("llmRoutes", "routes: {}"));

        for (String name : Services.NAMES) {
            Map<String, String> environment = environment(chart, name);
            Set<String> files = new TreeSet<>(environment.values());
            files.removeIf(value -> !value.startsWith("/"));
            assertThat(files).hasSize(name.equals("llm-router") ? 2 : 1);
            for (String file : files) {
                var mount = container(chart, name).getVolumeMounts().stream()
                        .filter(it -> file.startsWith(it.getMountPath() + "/"))
                        .findFirst()
                        .orElseThrow();
                var volume = pod(chart, name).getVolumes().stream()
                        .filter(it -> it.getName().equals(mount.getName()))
                        .findFirst()
                        .orElseThrow();
                var items = volume.getSecret() != null
                        ? volume.getSecret().getItems()
                        : volume.getConfigMap().getItems();
                assertThat(items)
                        .singleElement()
                        .satisfies(item -> assertThat(mount.getMountPath() + "/" + item.getPath())
                                .isEqualTo(file));
                // nobody but the group of the process reads a key
                assertThat(volume.getSecret() == null || volume.getSecret().getDefaultMode() == 0440)
                        .isTrue();
            }
        }
    }

    @Test
    void mounts_how_to_speak_to_the_brokers_where_somebody_does() {
        Rendered chart = Chart.render(
                "",
                Map.of(
                        "secrets.AGENTSERVER_KAFKA_PROPERTIES.secret", "kafka",
                        "secrets.AGENTSERVER_KAFKA_PROPERTIES.key", "kafka.properties"));
        Map<String, PodSpec> pods = new TreeMap<>();
        Services.NAMES.forEach(name -> pods.put(name, pod(chart, name)));
        pods.put("reconcile", reconcile(chart).getSpec());

        pods.forEach((name, pod) -> {
            Container container = pod.getContainers().getFirst();
            assertThat(container.getEnv())
                    .filteredOn(variable -> variable.getName().equals("AGENTSERVER_KAFKA_PROPERTIES"))
                    .as("the file of " + name)
                    .extracting(EnvVar::getValue)
                    .containsExactly("/etc/agentserver/kafka-properties/kafka.properties");
            assertThat(pod.getVolumes())
                    .filteredOn(volume -> volume.getSecret() != null
                            && volume.getSecret().getSecretName().equals("kafka"))
                    .hasSize(1)
                    .allMatch(volume -> volume.getSecret().getDefaultMode() == 0440);
        });
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void runs_without_any_right(String cloud) {
        Rendered chart = Chart.render(cloud);

        for (String name : Services.NAMES) {
            PodSpec pod = pod(chart, name);
            assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(pod.getSecurityContext().getRunAsUser()).isEqualTo(10001); // the Dockerfile's
            assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(pod.getAutomountServiceAccountToken()).isFalse();
            assertThat(chart.one(ServiceAccount.class, pod.getServiceAccountName()))
                    .isNotNull();
            assertThat(pod.getContainers()).singleElement().satisfies(container -> {
                var rights = container.getSecurityContext();
                assertThat(rights.getAllowPrivilegeEscalation()).isFalse();
                assertThat(rights.getReadOnlyRootFilesystem()).isTrue();
                assertThat(rights.getCapabilities().getDrop()).containsExactly("ALL");
                assertThat(rights.getCapabilities().getAdd()).isEmpty();
                assertThat(container.getResources().getRequests()).containsKeys("cpu", "memory");
                assertThat(container.getResources().getLimits()).containsKey("memory");
                assertThat(container.getVolumeMounts())
                        .anyMatch(mount -> mount.getMountPath().equals("/tmp"));
            });
        }
    }

    @Test
    void probes_the_management_port() {
        Rendered chart = Chart.render("");

        for (String name : Services.NAMES) {
            Container container = container(chart, name);
            for (Probe probe :
                    List.of(container.getStartupProbe(), container.getLivenessProbe(), container.getReadinessProbe())) {
                assertThat(probe.getHttpGet().getPort().getStrVal()).isEqualTo("management");
            }
            assertThat(container.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/actuator/health/liveness");
            assertThat(container.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/actuator/health/readiness");
        }
    }

    /** A service's stop: its endpoint goes, then the web server's phase of 8 s, then the rest's; the pump drains 5 s and closes in 3. */
    @Test
    void leaves_time_for_the_end_of_what_runs() throws IOException {
        assertThat(Files.readString(
                        Path.of("../../common-envelope/src/main/java/io/agentserver/service/ServiceApplication.java")))
                .as("the time that this test goes by")
                .contains("\"spring.lifecycle.timeout-per-shutdown-phase\", \"8s\"");
        Rendered chart = Chart.render("");

        for (String name : Services.NAMES) {
            var lifecycle = container(chart, name).getLifecycle();
            long preStop =
                    lifecycle == null ? 0 : lifecycle.getPreStop().getSleep().getSeconds();
            assertThat(preStop).isEqualTo(name.equals("pump") ? 0 : 5);
            assertThat(pod(chart, name).getTerminationGracePeriodSeconds()).isGreaterThanOrEqualTo(preStop + 3 * 8);
        }
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void scales_each_service_by_one_scaler(String cloud) {
        Rendered chart = Chart.render(cloud);

        for (Deployment deployment : chart.all(Deployment.class)) {
            String name = deployment.getMetadata().getName();
            List<String> scalers = new ArrayList<>();
            if (deployment.getSpec().getReplicas() != null) {
                scalers.add("replicas");
            }
            chart.all(HorizontalPodAutoscaler.class).stream()
                    .filter(it -> it.getSpec().getScaleTargetRef().getName().equals(name))
                    .forEach(it -> scalers.add("cpu"));
            chart.all(ScaledObject.class).stream()
                    .filter(it -> it.getSpec().scaleTargetRef().name().equals(name))
                    .forEach(it -> scalers.add("lag"));
            assertThat(scalers)
                    .as(name)
                    .containsExactly(name.equals("agentserver-pump") && !cloud.isEmpty() ? "lag" : "cpu");
        }
        Rendered fixed = Chart.render(cloud, Map.of("services.gateway.autoscaling.enabled", false));
        assertThat(fixed.one(Deployment.class, "agentserver-gateway").getSpec().getReplicas())
                .isEqualTo(2);
    }

    @Test
    void scales_the_pump_by_the_lag_of_all_its_topics() {
        ScaledObject scaled = Chart.render("", EVERYTHING).one(ScaledObject.class, "agentserver-pump");

        assertThat(scaled.getSpec().minReplicaCount()).isPositive(); // who else brings back what is due
        assertThat(scaled.getSpec().triggers()).singleElement().satisfies(trigger -> {
            assertThat(trigger.type()).isEqualTo("kafka");
            assertThat(trigger.metadata())
                    .containsEntry("consumerGroup", "pump")
                    .containsEntry("bootstrapServers", "kafka-0.kafka:9092,kafka-1.kafka:9092")
                    .containsEntry("offsetResetPolicy", "earliest")
                    // KEDA takes no pattern of topics; without a topic it refuses these
                    .doesNotContainKeys("topic", "limitToPartitionsWithLag", "ensureEvenDistributionOfPartitions");
        });
    }

    /** CPU is what the HorizontalPodAutoscaler goes by: two that move it would chase each other. */
    @Test
    void recommends_memory_alone() {
        List<VerticalPodAutoscaler> vpas = Chart.render("", EVERYTHING).all(VerticalPodAutoscaler.class);

        assertThat(vpas).hasSize(5).allSatisfy(vpa -> {
            assertThat(vpa.getSpec().getUpdatePolicy().getUpdateMode()).isEqualTo("Off");
            assertThat(vpa.getSpec().getResourcePolicy().getContainerPolicies())
                    .singleElement()
                    .satisfies(policy ->
                            assertThat(policy.getControlledResources()).containsExactly("memory"));
        });
    }

    @Test
    void lets_through_the_architecture_s_arrows_alone() {
        Rendered chart = Chart.render("");

        assertThat(callers(chart, "gateway")).containsExactly("billing");
        assertThat(callers(chart, "pump")).isEmpty();
        assertThat(callers(chart, "buffer")).containsExactly("billing", "gateway", "pump", "reconcile");
        assertThat(callers(chart, "reconcile")).isEmpty();
        assertThat(called(chart, "reconcile")).containsExactly("buffer");
        assertThat(openPorts(chart, "reconcile")).containsExactly("53", "443", "9092");
        assertThat(callers(chart, "llm-router")).containsExactly("pump");
        assertThat(callers(chart, "billing")).containsExactly("gateway");
        assertThat(called(chart, "gateway")).containsExactly("billing", "buffer");
        assertThat(called(chart, "pump")).containsExactly("buffer", "llm-router");
        assertThat(called(chart, "billing")).containsExactly("buffer", "gateway");
        assertThat(called(chart, "buffer")).isEmpty();
        assertThat(openPorts(chart, "gateway")).containsExactly("53", "443", "6379", "9092");
        assertThat(openPorts(chart, "llm-router")).containsExactly("53", "443", "6379", "9092");
        assertThat(openPorts(chart, "buffer")).containsExactly("53", "443", "6379", "9092");
        assertThat(openPorts(chart, "pump")).containsExactly("53", "80", "443", "9092");
        assertThat(openPorts(chart, "billing")).containsExactly("53", "443", "6379", "9092");
        // a tenant's handlers are on public addresses, never in the cluster or at the metadata service
        assertThat(policy(chart, "pump").getSpec().getEgress())
                .filteredOn(rule -> rule.getPorts().stream().anyMatch(port -> "80".equals(text(port))))
                .singleElement()
                .satisfies(
                        rule -> assertThat(rule.getTo().getFirst().getIpBlock().getExcept())
                                .contains("10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"));
    }

    /** Each at a port of its own here: the defaults are 443 for all three, as for DynamoDB. */
    @Test
    void lets_through_what_a_setting_names_and_only_then() {
        Map<String, Object> ports = Map.of(
                "networkPolicy.otlp.ports[0]", 4317,
                "networkPolicy.s3.ports[0]", 9001,
                "networkPolicy.stripe.ports[0]", 9002,
                "networkPolicy.oidc.ports[0]", 9003);
        Rendered none = Chart.render("", ports);
        for (String service : List.of("gateway", "llm-router", "buffer", "pump", "billing", "reconcile")) {
            assertThat(openPorts(none, service)).doesNotContain("4317", "9001", "9002", "9003");
        }

        Map<String, Object> named = new TreeMap<>(ports);
        named.put("secrets.OTEL_EXPORTER_OTLP_ENDPOINT.value", "http://collector:4317");
        named.put("config.AGENTSERVER_STATIC_BUCKET", "static");
        named.put("secrets.AGENTSERVER_STRIPE_KEY.value", "k");
        named.put("config.AGENTSERVER_OIDC_ISSUER", "https://issuer.example.com");
        Rendered all = Chart.render("", named);
        assertThat(openPorts(all, "gateway")).containsExactly("53", "443", "4317", "6379", "9001", "9092");
        assertThat(openPorts(all, "llm-router")).containsExactly("53", "443", "4317", "6379", "9092");
        assertThat(openPorts(all, "buffer")).containsExactly("53", "443", "4317", "6379", "9092");
        assertThat(openPorts(all, "pump")).containsExactly("53", "80", "443", "4317", "9092");
        assertThat(openPorts(all, "billing")).containsExactly("53", "443", "4317", "6379", "9002", "9003", "9092");
        assertThat(openPorts(all, "reconcile")).containsExactly("53", "443", "9002", "9092");
    }

    @Test
    void gives_opentelemetry_s_own_variables_to_every_service() {
        Rendered chart = Chart.render(
                "",
                Map.of(
                        "config.OTEL_TRACES_SAMPLER_ARG", 0.01,
                        "config.OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test",
                        "secrets.OTEL_EXPORTER_OTLP_HEADERS.value", "api-key=k"));

        for (String name : Services.NAMES) {
            assertThat(environment(chart, name))
                    .containsEntry("OTEL_TRACES_SAMPLER_ARG", "0.01")
                    .containsEntry("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test");
        }
        assertThat(holders(chart, "OTEL_EXPORTER_OTLP_HEADERS")).isEqualTo(Services.NAMES);
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void reconciles_in_a_pod_of_its_own_with_billings_settings(String cloud) {
        Rendered chart = Chart.render(cloud);

        CronJob job = chart.one(CronJob.class, "agentserver-reconcile");
        assertThat(job.getSpec().getConcurrencyPolicy()).isEqualTo("Forbid");
        assertThat(job.getSpec().getJobTemplate().getSpec().getBackoffLimit()).isZero();
        PodSpec pod = reconcile(chart).getSpec();
        PodSpec billing = pod(chart, "billing");
        assertThat(pod.getServiceAccountName()).isEqualTo(billing.getServiceAccountName());
        assertThat(pod.getSecurityContext()).isEqualTo(billing.getSecurityContext());
        assertThat(pod.getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getEnableServiceLinks()).isFalse();
        assertThat(pod.getRestartPolicy()).isEqualTo("Never");
        assertThat(pod.getContainers()).singleElement().satisfies(container -> {
            Container serving = container(chart, "billing");
            assertThat(container.getArgs()).containsExactly("reconcile");
            assertThat(container.getImage()).isEqualTo(serving.getImage());
            assertThat(container.getEnv()).isEqualTo(serving.getEnv());
            assertThat(container.getSecurityContext()).isEqualTo(serving.getSecurityContext());
            assertThat(container.getVolumeMounts()).isEqualTo(serving.getVolumeMounts());
            assertThat(container.getResources().getLimits()).containsKey("memory");
        });
        assertThat(environment(chart, "billing"))
                .as("billing's pods only tell what it found")
                .containsEntry("AGENTSERVER_RECONCILE_EVERY", "0s");
        Rendered without = Chart.render(cloud, Map.of("reconcile.enabled", false));
        assertThat(without.all(CronJob.class)).isEmpty();
        assertThat(environment(without, "billing")).doesNotContainKey("AGENTSERVER_RECONCILE_EVERY");
        assertThat(callers(without, "buffer")).doesNotContain("reconcile");
    }

    @ParameterizedTest
    @FieldSource("clouds")
    void drills_the_backup_in_a_pod_of_its_own_with_the_buffers_settings_where_there_is_one(String cloud) {
        assertThat(Chart.render(cloud).all(CronJob.class))
                .extracting(job -> job.getMetadata().getName())
                .containsExactly("agentserver-reconcile");
        Map<String, Object> values = Map.of("config.AGENTSERVER_BACKUP_BUCKET", "backups");
        Rendered chart = Chart.render(cloud, values);

        CronJob job = chart.one(CronJob.class, "agentserver-drill");
        assertThat(job.getSpec().getConcurrencyPolicy()).isEqualTo("Forbid");
        assertThat(job.getSpec().getJobTemplate().getSpec().getBackoffLimit()).isZero();
        PodSpec pod = job.getSpec().getJobTemplate().getSpec().getTemplate().getSpec();
        PodSpec buffer = pod(chart, "buffer");
        assertThat(pod.getServiceAccountName()).isEqualTo(buffer.getServiceAccountName());
        assertThat(pod.getSecurityContext()).isEqualTo(buffer.getSecurityContext());
        assertThat(pod.getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getRestartPolicy()).isEqualTo("Never");
        assertThat(pod.getContainers()).singleElement().satisfies(container -> {
            Container serving = container(chart, "buffer");
            assertThat(container.getArgs()).containsExactly("backup", "drill");
            assertThat(container.getImage()).isEqualTo(serving.getImage());
            assertThat(container.getEnv()).isEqualTo(serving.getEnv());
            assertThat(container.getSecurityContext()).isEqualTo(serving.getSecurityContext());
            assertThat(container.getResources().getLimits()).containsKey("memory");
        });
        assertThat(openPorts(chart, "buffer")).contains("443");
        assertThat(openPorts(chart, "drill")).isEqualTo(openPorts(chart, "buffer"));
        Map<String, Object> off = Map.of("config.AGENTSERVER_BACKUP_BUCKET", "backups", "backup.drill.enabled", false);
        assertThat(Chart.render(cloud, off).all(CronJob.class)).hasSize(1);
    }

    @Test
    void lets_the_ingress_in_where_it_shows_something() {
        assertThat(openToIngress(Chart.render(""), "gateway")).isFalse();
        Rendered shown = Chart.render("", Map.of("ingress.enabled", true, "ingress.hosts.gateway", "api.example.com"));
        assertThat(openToIngress(shown, "gateway")).isTrue();
        assertThat(openToIngress(shown, "billing")).isFalse();
    }

    @Test
    void shows_only_what_is_public() {
        Ingress ingress = Chart.render("", EVERYTHING).one(Ingress.class, "agentserver");

        Map<String, List<String>> shown = new TreeMap<>();
        ingress.getSpec()
                .getRules()
                .forEach(rule -> shown.put(
                        rule.getHost(),
                        rule.getHttp().getPaths().stream()
                                .map(path -> backend(path) + path.getPath())
                                .toList()));
        assertThat(shown)
                .isEqualTo(Map.of(
                        "api.example.com", List.of("agentserver-gateway:http/"),
                        "llm.example.com", List.of("agentserver-llm-router:http/v1"),
                        // not /internal, which is for the gateway
                        "console.example.com",
                                List.of(
                                        "agentserver-billing:http/console",
                                        "agentserver-billing:http/stripe/webhook")));
        assertThat(ingress.getSpec().getTls()).singleElement().satisfies(tls -> {
            assertThat(tls.getHosts()).containsExactlyInAnyOrderElementsOf(shown.keySet());
            assertThat(tls.getSecretName()).isEqualTo("agentserver-tls");
        });
    }

    @Test
    void scrapes_every_service_with_the_labels_that_the_alerts_go_by() {
        Rendered chart = Chart.render("", EVERYTHING);
        ServiceMonitor monitor = chart.one(ServiceMonitor.class, "agentserver");

        assertThat(chart.all(Service.class)).allSatisfy(service -> {
            assertThat(service.getMetadata().getLabels())
                    .containsAllEntriesOf(monitor.getSpec().getSelector().getMatchLabels())
                    .containsKey("app.kubernetes.io/component");
            assertThat(service.getSpec().getPorts())
                    .anyMatch(port -> port.getName().equals("management"));
        });
        assertThat(monitor.getSpec().getEndpoints()).singleElement().satisfies(endpoint -> {
            assertThat(endpoint.getPort()).isEqualTo("management");
            assertThat(endpoint.getPath()).isEqualTo("/actuator/prometheus");
            assertThat(endpoint.getRelabelings())
                    .anyMatch(it -> "job".equals(it.getTargetLabel()) && "agentserver".equals(it.getReplacement()))
                    .anyMatch(it -> "component".equals(it.getTargetLabel())
                            && it.getSourceLabels()
                                    .equals(List.of("__meta_kubernetes_service_label_app_kubernetes_io_component")));
        });
    }

    @Test
    void ships_the_alert_rules_unchanged() throws IOException {
        Rendered chart = Chart.render("", EVERYTHING);
        Object rules = new Yaml().load(Files.readString(Path.of("../prometheus/alerts.yaml")));

        assertThat(chart.one(PrometheusRule.class, "agentserver").getSpec().getGroups())
                .isNotEmpty();
        assertThat(documents(chart.text()))
                .filteredOn("kind", "PrometheusRule")
                .singleElement()
                .satisfies(document -> assertThat(document).containsEntry("spec", rules));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            config.AGENTSERVER_KAKFA                    | kafka:9092   | AGENTSERVER_KAKFA
            config.AGENTSERVER_KAFKA                    | kafka        | does not match pattern
            config.AGENTSERVER_KAFKA_PROPERTIES         | a.properties | AGENTSERVER_KAFKA_PROPERTIES
            config.OTEL_EXPORTER_OTLP_HEADERS           | api-key=k    | OTEL_EXPORTER_OTLP_HEADERS
            config.OTEL_TRACES_SAMPLER                  | sometimes    | must be one of
            config.AGENTSERVER_STATIC_URL               | https://a.b/ | does not match pattern
            config.AGENTSERVER_KAFKA_REPLICATION        | 0            | AGENTSERVER_KAFKA_REPLICATION
            config.AGENTSERVER_REDIS_URL                | redis:6379   | does not match pattern
            config.AGENTSERVER_BUFFER_STORE             | memory       | must be one of
            config.AGENTSERVER_GATEWAY_PORT             | 70000        | maximum
            config.AGENTSERVER_PLATFORM_SECRET          | c2VjcmV0     | AGENTSERVER_PLATFORM_SECRET
            secrets.AGENTSERVER_ADMIN_KEY.valeu         | x            | valeu
            secrets.AGENTSERVER_PLATFORM_KEY.value      | x            | AGENTSERVER_PLATFORM_KEY
            services.gatway.replicas                    | 2            | gatway
            services.gateway.replicas                   | 0            | minimum
            services.gateway.replica                    | 2            | replica
            services.pump.config.AGENTSERVER_PUMP       | x            | AGENTSERVER_PUMP
            services.pump.config.java_tool_options      | x            | java_tool_options
            keda.minReplicas                            | 0            | minimum
            vpa.updateMode                              | Auto         | must be one of
            topologySpread.zone                         | Maybe        | must be one of
            ingress.hosts.gateway                       | https://a.b/ | does not match pattern
            ingress.hosts.pump                          | a.example    | pump
            termination.graceSeconds                    | 10           | minimum
            podDisruptionBudget.maxUnavailable          | 0            | podDisruptionBudget
            replicaCount                                | 3            | replicaCount
            reconcile.schedule                          | daily        | does not match pattern
            reconcile.disk                              | 8GB          | does not match pattern
            backup.drill.schedule                       | weekly       | does not match pattern
            """)
    void refuses_a_value_that_is_wrong(String key, String value, String reason) {
        assertThatThrownBy(() -> Chart.render("", Map.of(key, value)))
                .hasMessageContaining("schema")
                .hasMessageContaining(reason);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            config.AGENTSERVER_KAFKA           | kafka:9094     | networkPolicy.kafka.ports lacks the port of kafka:9094
            config.AGENTSERVER_OTLP_ENDPOINT   | http://c:4317  | networkPolicy.otlp.ports lacks the port of AGENTSERVER_OTLP_ENDPOINT=http://c:4317
            config.OTEL_EXPORTER_OTLP_ENDPOINT | https://c/otlp | networkPolicy.otlp.ports lacks the port of OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otlp
            secrets.AGENTSERVER_REDIS_URL.value | redis://r:6379 | AGENTSERVER_REDIS_URL is in config and in secrets
            ingress.enabled                    | true           | ingress.enabled needs at least one of ingress.hosts
            """)
    void says_what_cannot_work(String key, String value, String reason) {
        assertThatThrownBy(() -> Chart.render("", Map.of(key, value))).hasMessageContaining(reason);
    }

    @Test
    void says_what_must_be_given() {
        assertThatThrownBy(() -> Chart.renderBare(Map.of()))
                .hasMessageContaining("AGENTSERVER_KAFKA is not set: set config.AGENTSERVER_KAFKA");
        assertThatThrownBy(() -> Chart.renderBare(Map.of("config.AGENTSERVER_KAFKA", "kafka:9092")))
                .hasMessageContaining("AGENTSERVER_PLATFORM_KEY is not set");
    }

    @Test
    void says_after_an_installation_what_comes_next() {
        assertThat(Chart.notes("", Map.of()))
                .contains("port-forward service/agentserver-gateway 8080:http", "no tenant can be made");
        assertThat(Chart.notes("eks", Map.of("secrets.AGENTSERVER_ADMIN_KEY.value", "k")))
                .contains("The gateway: https://api.agentserver.example.com", "/admin/v1/tenants")
                .doesNotContain("no tenant can be made", "for development");
        assertThat(Chart.notes("", Map.of("config.AGENTSERVER_ALLOW_LOOPBACK", true)))
                .contains("It is for development");
    }

    /** The values that a reader is told to write, with something in the place of each {@code <…>}. */
    @ParameterizedTest
    @CsvSource({
        "eks, ../../docs/install-eks.md, 10",
        "gke, ../../docs/install-gke.md, 10",
        "'', ../../helm/agentserver/README.md, 5"
    })
    void takes_the_values_of_the_guides(String cloud, Path guide, int fewest, @TempDir Path scratch)
            throws IOException {
        Matcher block = Pattern.compile("`my-values.yaml`[^`]*(?:`[^`]+`[^`]*)*?```yaml\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(guide));
        assertThat(block.find()).as("values in " + guide).isTrue();
        String values = block.group(1);
        assertThat(values.lines().count()).isGreaterThanOrEqualTo(fewest);
        Path file = Files.writeString(scratch.resolve("my-values.yaml"), values.replaceAll("<[^>]+>", "x"));

        Rendered chart = Chart.render(cloud, file);

        assertThat(chart.all(Deployment.class)).hasSize(5);
        assertThat(holders(chart, "AGENTSERVER_ADMIN_KEY")).containsExactly("gateway");
    }

    private static Object sample(Setting setting) {
        if (Setting.ports().contains(setting)) {
            return 7000;
        }
        return switch (setting) {
            case AGENTSERVER_KAFKA -> "kafka:9092";
            case AGENTSERVER_KAFKA_REPLICATION -> 3;
            case AGENTSERVER_REDIS_URL -> "redis://redis:6379";
            case AGENTSERVER_BUFFER_STORE -> "redis";
            case AGENTSERVER_BUFFER_TTL -> "12h";
            case AGENTSERVER_BUFFER_THREAD_SLOTS -> 1000;
            case AGENTSERVER_BUFFER_CONVERSATION_BYTES, AGENTSERVER_BUFFER_TENANT_BYTES -> "64MB";
            case AGENTSERVER_BUFFER_ADDRESS -> "elsewhere:8082";
            case AGENTSERVER_LOG_FORMAT -> "text";
            case AGENTSERVER_METRICS_TENANTS -> 500;
            case AGENTSERVER_ALLOW_LOOPBACK, AGENTSERVER_CONSOLE_DEMO, AGENTSERVER_TEST_CARD -> true;
            case AGENTSERVER_RECONCILE_EVERY -> "12h";
            case AGENTSERVER_STRIPE_ACCOUNT -> "acct_1";
            case AGENTSERVER_STRIPE_METER -> "usage";
            case AGENTSERVER_OIDC_CLIENT_ID -> "console";
            case AGENTSERVER_STATIC_BUCKET, AGENTSERVER_BACKUP_BUCKET -> "static";
            case AGENTSERVER_BACKUP_PREFIX -> "agentserver/";
            case AGENTSERVER_BACKUP_REGION -> "eu-central-1";
            case AGENTSERVER_BACKUP_PERIOD -> "5m";
            case AGENTSERVER_BACKUP_KEPT -> "90d";
            case AGENTSERVER_STATIC_KEY_ID -> "K1";
            case AGENTSERVER_OTLP_ENDPOINT -> "http://collector:4318/v1/traces";
            case AGENTSERVER_BIND -> "0.0.0.0";
            default -> "http://elsewhere:8000";
        };
    }

    private static Set<String> selected(Map<String, Map<String, String>> podLabels, Map<String, String> selector) {
        return podLabels.entrySet().stream()
                .filter(pods -> pods.getValue().entrySet().containsAll(selector.entrySet()))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private static PodTemplateSpec reconcile(Rendered chart) {
        return chart.one(CronJob.class, "agentserver-reconcile")
                .getSpec()
                .getJobTemplate()
                .getSpec()
                .getTemplate();
    }

    private static PodSpec pod(Rendered chart, String service) {
        return chart.one(Deployment.class, "agentserver-" + service)
                .getSpec()
                .getTemplate()
                .getSpec();
    }

    private static Container container(Rendered chart, String service) {
        return Rendered.container(chart.one(Deployment.class, "agentserver-" + service));
    }

    /** The variables that are given by value. */
    private static Map<String, String> environment(Rendered chart, String service) {
        return chart.environment(service).values().stream()
                .filter(variable -> variable.getValue() != null)
                .collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue));
    }

    private static List<String> holders(Rendered chart, String variable) {
        return Services.NAMES.stream()
                .filter(name -> chart.environment(name).containsKey(variable))
                .toList();
    }

    private static String checksum(Rendered chart) {
        PodTemplateSpec template =
                chart.one(Deployment.class, "agentserver-gateway").getSpec().getTemplate();
        return String.valueOf(template.getMetadata().getAnnotations().get("checksum/given"));
    }

    private static NetworkPolicy policy(Rendered chart, String service) {
        return chart.one(NetworkPolicy.class, "agentserver-" + service);
    }

    private static Set<String> callers(Rendered chart, String service) {
        return policy(chart, service).getSpec().getIngress().stream()
                .flatMap(rule -> rule.getFrom().stream())
                .filter(peer -> peer.getPodSelector() != null)
                .map(peer -> component(peer.getPodSelector().getMatchLabels()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> called(Rendered chart, String service) {
        return policy(chart, service).getSpec().getEgress().stream()
                .flatMap(rule -> rule.getTo().stream())
                .filter(peer -> peer.getPodSelector() != null)
                .map(peer -> component(peer.getPodSelector().getMatchLabels()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The numbered ports that a service may reach outside of the release. */
    private static List<String> openPorts(Rendered chart, String service) {
        return policy(chart, service).getSpec().getEgress().stream()
                .filter(rule -> rule.getTo().stream().noneMatch(peer -> peer.getPodSelector() != null))
                .flatMap(rule -> rule.getPorts().stream())
                .map(ChartTest::text)
                .distinct()
                .sorted(Comparator.comparingInt(Integer::parseInt))
                .toList();
    }

    private static boolean openToIngress(Rendered chart, String service) {
        return policy(chart, service).getSpec().getIngress().stream()
                .anyMatch(rule -> rule.getFrom().isEmpty()
                        && rule.getPorts().stream().anyMatch(port -> text(port).equals("http")));
    }

    private static String text(NetworkPolicyPort port) {
        return String.valueOf(port.getPort().getValue());
    }

    private static String component(Map<String, String> labels) {
        return String.valueOf(labels.get("app.kubernetes.io/component"));
    }

    private static String backend(HTTPIngressPath path) {
        var service = path.getBackend().getService();
        return service.getName() + ":" + service.getPort().getName();
    }

    private static Stream<Map<String, Object>> documents(String text) {
        List<Map<String, Object>> documents = new ArrayList<>();
        for (Object document : new Yaml().loadAll(text)) {
            if (document instanceof Map<?, ?> map) {
                Map<String, Object> named = new TreeMap<>();
                map.forEach((key, value) -> named.put(String.valueOf(key), value));
                documents.add(named);
            }
        }
        return documents.stream();
    }
}
