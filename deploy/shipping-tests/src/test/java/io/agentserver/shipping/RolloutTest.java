package io.agentserver.shipping;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Gateway and pump as Argo Rollouts, and what Argo CD is told; every object has passed {@link StrictReader}. */
class RolloutTest {
    /** s */
    private static final int THRESHOLD = 60;

    private static final Path ARGOCD = Path.of("../argocd");
    private static final Map<String, Object> ON = Map.of(
            "rollouts.enabled", true,
            "rollouts.prometheus", "http://prometheus:9090",
            "rollouts.smoke.secret", "smoke",
            "serviceMonitor.enabled", true,
            "prometheusRule.enabled", true,
            "ingress.enabled", true,
            "ingress.hosts.gateway", "api.example.com",
            "keda.enabled", true,
            "vpa.enabled", true);

    private final Rendered chart = Chart.render("", ON);

    @Test
    void takes_the_place_of_two_deployments_and_no_more() {
        assertThat(chart.all(Rollout.class)).extracting(RolloutTest::name).containsExactlyInAnyOrder("gateway", "pump");
        assertThat(chart.all(Deployment.class))
                .extracting(RolloutTest::name)
                .containsExactlyInAnyOrder("billing", "buffer", "llm-router");
        Rendered without = Chart.render("");
        for (Rollout rollout : chart.all(Rollout.class)) {
            Deployment deployment =
                    without.one(Deployment.class, rollout.getMetadata().getName());
            assertThat(rollout.getSpec().selector())
                    .isEqualTo(deployment.getSpec().getSelector());
            assertThat(rollout.getSpec().template().getSpec().getContainers())
                    .isEqualTo(deployment.getSpec().getTemplate().getSpec().getContainers());
            assertThat(rollout.getSpec().template().getSpec().getTopologySpreadConstraints())
                    .allSatisfy(spread ->
                            assertThat(spread.getMatchLabelKeys()).containsExactly("rollouts-pod-template-hash"));
        }
    }

    @Test
    void every_scaler_targets_what_is_there() {
        Set<String> workloads = chart.objects().stream()
                .filter(it -> it instanceof Deployment || it instanceof Rollout)
                .map(it -> it.getApiVersion() + " " + it.getKind() + " "
                        + it.getMetadata().getName())
                .collect(Collectors.toSet());
        List<String> targets = new ArrayList<>();
        chart.all(HorizontalPodAutoscaler.class).forEach(it -> {
            var target = it.getSpec().getScaleTargetRef();
            targets.add(target.getApiVersion() + " " + target.getKind() + " " + target.getName());
        });
        chart.all(ScaledObject.class).forEach(it -> {
            var target = it.getSpec().scaleTargetRef();
            targets.add(target.apiVersion() + " " + target.kind() + " " + target.name());
        });
        chart.all(io.fabric8.autoscaling.api.model.v1.VerticalPodAutoscaler.class)
                .forEach(it -> {
                    var target = it.getSpec().getTargetRef();
                    assertThat(workloads)
                            .contains(target.getApiVersion() + " " + target.getKind() + " " + target.getName());
                });

        assertThat(targets).containsExactlyInAnyOrderElementsOf(workloads);
        // whoever scales it says how many there are
        assertThat(chart.all(Rollout.class))
                .allSatisfy(it -> assertThat(it.getSpec().replicas()).isNull());
    }

    @Test
    void the_gateway_turns_at_once_and_can_turn_back() {
        Rollout.BlueGreen blueGreen =
                requireNonNull(rollout(chart, "gateway").strategy().blueGreen());

        Service active = chart.one(Service.class, blueGreen.activeService());
        Service preview = chart.one(Service.class, requireNonNull(blueGreen.previewService()));
        assertThat(preview.getSpec().getSelector()).isEqualTo(active.getSpec().getSelector());
        assertThat(preview.getSpec().getPorts())
                .singleElement()
                .satisfies(port -> assertThat(port.getPort()).isEqualTo(Services.port("gateway", "http")));
        assertThat(blueGreen.autoPromotionEnabled()).isTrue();
        assertThat(blueGreen.scaleDownDelaySeconds()).isGreaterThanOrEqualTo(60); // `Prefer: wait` ends in them
        Map<String, String> scraped = chart.all(ServiceMonitor.class)
                .getFirst()
                .getSpec()
                .getSelector()
                .getMatchLabels();
        assertThat(active.getMetadata().getLabels()).containsAllEntriesOf(scraped);
        assertThat(preview.getMetadata().getLabels().entrySet().containsAll(scraped.entrySet()))
                .as("scraped twice")
                .isFalse();
    }

    @Test
    void the_new_gateway_answers_a_message_before_clients_see_it() {
        Rollout.BlueGreen blueGreen =
                requireNonNull(rollout(chart, "gateway").strategy().blueGreen());
        AnalysisTemplate smoke = template(requireNonNull(blueGreen.prePromotionAnalysis()));

        AnalysisTemplate.Web web =
                requireNonNull(smoke.getSpec().metrics().getFirst().provider().web());
        assertThat(web.url())
                .isEqualTo("http://" + blueGreen.previewService() + ".agents:" + Services.port("gateway", "http")
                        + "/v1/messages");
        assertThat(web.headers()).contains(new AnalysisTemplate.Header("Authorization", "Bearer {{args.api-key}}"));
        assertThat(web.jsonBody())
                .isEqualTo(Map.of("to", "greeter", "payload", Map.of("Greeting", Map.of("Name", "World"))));
        assertThat(requireNonNull(smoke.getSpec().args()).getFirst().valueFrom())
                .isEqualTo(new AnalysisTemplate.ValueFrom(new AnalysisTemplate.SecretKey("smoke", "api-key")));
        assertThat(policy(chart)).contains("argo-rollouts");
        assertThat(policy(Chart.render("", Map.of("rollouts.enabled", true)))).doesNotContain("argo-rollouts");
    }

    @Test
    void the_pump_goes_in_parts_without_a_pod_less() {
        Rollout.Canary canary = requireNonNull(rollout(chart, "pump").strategy().canary());

        assertThat(canary.maxUnavailable()).isEqualTo(new IntOrString(0));
        assertThat(canary.steps().stream().map(Rollout.Step::setWeight).filter(Objects::nonNull))
                .containsExactly(20, 50);
        List<Rollout.Analysis> asked = canary.steps().stream()
                .map(Rollout.Step::analysis)
                .filter(Objects::nonNull)
                .toList();
        assertThat(asked)
                .hasSize(2)
                .allSatisfy(analysis -> assertThat(template(analysis).getSpec().metrics())
                        .extracting(AnalysisTemplate.Metric::name)
                        .containsExactly("failed-handlers", "unverifiable-records", "oldest-message"));
    }

    @Test
    void without_prometheus_a_person_promotes() {
        Rendered alone = Chart.render("", Map.of("rollouts.enabled", true));

        Rollout.BlueGreen blueGreen =
                requireNonNull(rollout(alone, "gateway").strategy().blueGreen());
        assertThat(blueGreen.autoPromotionEnabled()).isFalse();
        assertThat(blueGreen.prePromotionAnalysis()).isNull();
        assertThat(blueGreen.postPromotionAnalysis()).isNull();
        assertThat(requireNonNull(rollout(alone, "pump").strategy().canary()).steps())
                .contains(new Rollout.Step(null, new Rollout.Pause(null), null));
        assertThat(alone.all(AnalysisTemplate.class)).isEmpty();
        assertThatThrownBy(() -> Chart.render("", Map.of("rollouts.smoke.secret", "s")))
                .hasMessageContaining("set rollouts.enabled");
    }

    /** Every argument of a template is given or has a value, and promtool takes what becomes of its query. */
    @Test
    void asks_what_prometheus_understands(@TempDir Path scratch) throws IOException, InterruptedException {
        StringBuilder rules = new StringBuilder("groups:\n  - name: analysis\n    rules:\n");
        for (AnalysisTemplate template : chart.all(AnalysisTemplate.class)) {
            List<String> arguments =
                    Objects.requireNonNullElse(template.getSpec().args(), List.<AnalysisTemplate.Argument>of()).stream()
                            .map(AnalysisTemplate.Argument::name)
                            .toList();
            for (AnalysisTemplate.Metric metric : template.getSpec().metrics()) {
                AnalysisTemplate.Prometheus prometheus = metric.provider().prometheus();
                if (prometheus == null) {
                    continue;
                }
                String query = prometheus.query();
                for (String argument : arguments) {
                    query = query.replace("{{args." + argument + "}}", "5d8f6c7b9");
                }
                assertThat(query).doesNotContain("{{");
                rules.append("      - record: \"a:")
                        .append(metric.name().replace('-', '_'))
                        .append("\"\n");
                rules.append("        expr: '").append(query.replace('\n', ' ')).append("'\n");
            }
        }
        Path file = Files.writeString(scratch.resolve("analysis.yaml"), rules);

        Promtool.requireInstalled();
        assertThat(Promtool.run(scratch, "check", "rules", file.getFileName().toString()))
                .contains("SUCCESS: 4 rules found");
        Set<String> known = Promtool.documentedMetrics();
        assertThat(Promtool.metrics(rules.toString())).isNotEmpty().isSubsetOf(known);
    }

    /** promtool counts the query over pods that go through this: what stays over 60 at both ends sends the new version back. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            both work off a backlog of ten minutes  | 600-1x20    | 600-1x20    | 0
            the old ones had it, the new ones not   | 0+0x20      | 600-1x20    | -
            the new one has more of it, and goes on | 900-2x20    | 600-1x20    | -
            the new one finishes nothing            | 0+15x20     | 0+0x20      | 300
            nobody finishes anything                | 0+15x20     | 0+15x20     | 0
            the new ones are alone                  | 0+15x20     | _x20        | 300
            """)
    void goes_back_for_what_the_new_pump_leaves_undone(
            String what, String newer, String older, String result, @TempDir Path scratch)
            throws IOException, InterruptedException {
        AnalysisTemplate.Metric metric =
                chart.one(AnalysisTemplate.class, "agentserver-pump").getSpec().metrics().stream()
                        .filter(it -> it.name().equals("oldest-message"))
                        .findFirst()
                        .orElseThrow();
        String query = requireNonNull(metric.provider().prometheus())
                .query()
                .replace("{{args.hash}}", "new")
                .replace("{{args.stable}}", "old")
                .replace('\n', ' ');
        Files.writeString(
                scratch.resolve("rules.yaml"),
                "groups: [{name: a, rules: [{record: \"undone\", expr: '" + query.replace("'", "''") + "'}]}]");
        Files.writeString(scratch.resolve("test.yaml"), """
                rule_files: [rules.yaml]
                evaluation_interval: 15s
                tests:
                  - interval: 15s
                    input_series:
                      - {series: 'agentserver_queue_age_seconds{job="agentserver", pod="agentserver-pump-new-x1", tenant="a"}', values: '%s'}
                      - {series: 'agentserver_queue_age_seconds{job="agentserver", pod="agentserver-pump-old-x1", tenant="a"}', values: '%s'}
                    promql_expr_test:
                      - expr: %s
                        eval_time: 5m
                        exp_samples: [{labels: '{}', value: %s}]
                """.formatted(
                        newer,
                        older,
                        result.equals("-") ? "undone < bool " + THRESHOLD : "round(undone)",
                        result.equals("-") ? "1" : result));

        assertThat(metric.successCondition()).isEqualTo("result[0] < " + THRESHOLD);
        Promtool.requireInstalled();
        assertThat(Promtool.run(scratch, "test", "rules", "test.yaml")).as(what).contains("SUCCESS");
    }

    @Test
    void argo_cd_may_make_what_the_chart_makes_and_installs_it_from_there() throws IOException {
        ArgoCd.ProjectSpec project = ((ArgoCd.Project)
                        StrictReader.read(Files.readString(ARGOCD.resolve("project.yaml")))
                                .getFirst())
                .getSpec();
        ArgoCd.SetSpec set = ((ArgoCd.ApplicationSet)
                        StrictReader.read(Files.readString(ARGOCD.resolve("applicationset.yaml")))
                                .getFirst())
                .getSpec();

        List<ArgoCd.GroupKind> made = new ArrayList<>();
        for (Rendered rendered : List.of(
                chart,
                Chart.render("", Map.of("secrets.AGENTSERVER_ADMIN_KEY.value", "k", "llmRoutes", "routes: {}")))) {
            rendered.objects().forEach(it -> made.add(kind(it)));
        }
        assertThat(project.namespaceResourceWhitelist()).containsExactlyInAnyOrderElementsOf(Set.copyOf(made));
        assertThat(project.clusterResourceWhitelist()).isEmpty();
        ArgoCd.Application application = set.template().spec();
        assertThat(project.sourceRepos())
                .containsExactlyElementsOf(application.sources().stream()
                        .map(ArgoCd.Source::repoURL)
                        .toList());
        for (Map<String, String> element : set.generators().getFirst().list().elements()) {
            assertThat(project.destinations())
                    .contains(new ArgoCd.Destination(
                            application.destination().server(), requireNonNull(element.get("namespace"))));
            assertThat(Chart.values(requireNonNull(element.get("cloud")))).exists();
        }
        ArgoCd.Source source = application.sources().getFirst();
        assertThat(Path.of("../..", requireNonNull(source.path()), "Chart.yaml"))
                .exists();
        Map<?, ?> rollouts = (Map<?, ?>)
                requireNonNull(requireNonNull(source.helm()).valuesObject().get("rollouts"));
        assertThat(Chart.render(
                                "eks",
                                Map.of(
                                        "rollouts.enabled",
                                        requireNonNull(rollouts.get("enabled")),
                                        "rollouts.prometheus",
                                        requireNonNull(rollouts.get("prometheus"))))
                        .all(Rollout.class))
                .hasSize(2);
    }

    private AnalysisTemplate template(Rollout.Analysis analysis) {
        AnalysisTemplate template = chart.one(
                AnalysisTemplate.class, analysis.templates().getFirst().templateName());
        Set<String> given = Objects.requireNonNullElse(analysis.args(), List.<Rollout.Argument>of()).stream()
                .map(Rollout.Argument::name)
                .collect(Collectors.toSet());
        assertThat(Objects.requireNonNullElse(template.getSpec().args(), List.<AnalysisTemplate.Argument>of()))
                .as("arguments of " + name(template))
                .allMatch(argument -> argument.valueFrom() != null || given.contains(argument.name()));
        return template;
    }

    private static Rollout.Spec rollout(Rendered chart, String service) {
        return chart.one(Rollout.class, "agentserver-" + service).getSpec();
    }

    private static String policy(Rendered chart) {
        return chart.one(NetworkPolicy.class, "agentserver-gateway")
                .getSpec()
                .getIngress()
                .toString();
    }

    private static ArgoCd.GroupKind kind(HasMetadata object) {
        String version = object.getApiVersion();
        return new ArgoCd.GroupKind(
                version.contains("/") ? version.substring(0, version.indexOf('/')) : "", object.getKind());
    }

    private static String name(HasMetadata object) {
        return object.getMetadata().getName().substring("agentserver-".length());
    }
}
