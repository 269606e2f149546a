package io.agentserver.shipping;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

class StrictReaderTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            apps/v1                    | Deployment            | replica: 2                                       | replica
            apps/v1                    | Deployment            | template: {spec: {enableServiceLink: false}}     | enableServiceLink
            v1                         | Service               | ports: [{name: http, targetprot: http}]          | targetprot
            networking.k8s.io/v1       | NetworkPolicy         | egress: [{ports: [{protokol: TCP}]}]             | protokol
            autoscaling/v2             | HorizontalPodAutoscaler | targetCPUUtilizationPercentage: 70             | targetCPUUtilizationPercentage
            autoscaling.k8s.io/v1      | VerticalPodAutoscaler | updatePolicy: {mode: Off}                        | mode
            monitoring.coreos.com/v1   | ServiceMonitor        | endpoints: [{intervall: 15s}]                    | intervall
            monitoring.coreos.com/v1   | PrometheusRule        | groups: [{name: x, rules: [{allert: y}]}]        | allert
            keda.sh/v1alpha1           | ScaledObject          | triggers: [{type: kafka, metdata: {}}]           | metdata
            apps/v1                    | Deployment            | replicas: many                                   | many
            apps/v1                    | Deployment            | {replicas: 1, replicas: 2}                       | Duplicate field
            argoproj.io/v1alpha1       | Rollout               | strategy: {blueGreen: {activeServcie: x}}        | activeServcie
            argoproj.io/v1alpha1       | AnalysisTemplate      | metrics: [{name: x, provider: {promtheus: {}}}]  | promtheus
            argoproj.io/v1alpha1       | ApplicationSet        | template: {spec: {syncPolicy: {prune: true}}}    | prune
            argoproj.io/v1alpha1       | Workflow              | {}                                               | no model for argoproj.io/v1alpha1/Workflow
            """)
    void refuses_what_a_cluster_would_drop(String apiVersion, String kind, String spec, String named) {
        String document = "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: x}\nspec: "
                + (spec.startsWith("{") ? spec : "{" + spec + "}") + "\n";

        assertThatThrownBy(() -> StrictReader.read(document)).hasMessageContaining(named);
    }
}
