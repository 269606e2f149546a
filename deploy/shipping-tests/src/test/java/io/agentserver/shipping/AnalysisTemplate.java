package io.agentserver.shipping;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/**
 * What Argo Rollouts asks before it goes on, as far as the chart uses it
 * (<a href="https://argo-rollouts.readthedocs.io/en/stable/features/analysis/">analysis</a>).
 */
@Group("argoproj.io")
@Version("v1alpha1")
final class AnalysisTemplate extends CustomResource<AnalysisTemplate.Spec, Void> {
    private static final long serialVersionUID = 1L;

    /** Nothing: it comes from the document. */
    @Override
    protected @Nullable Spec initSpec() {
        return null;
    }

    record Spec(@Nullable List<Argument> args, List<Metric> metrics) {}

    record Argument(
            String name, @Nullable String value, @Nullable ValueFrom valueFrom) {}

    record ValueFrom(SecretKey secretKeyRef) {}

    record SecretKey(String name, String key) {}

    record Metric(
            String name,
            @Nullable String interval,
            @Nullable String initialDelay,
            @Nullable Integer count,
            @Nullable Integer failureLimit,
            @Nullable Integer consecutiveErrorLimit,
            @Nullable String successCondition,
            @Nullable String failureCondition,
            Provider provider) {}

    record Provider(
            @Nullable Prometheus prometheus, @Nullable Web web) {}

    record Prometheus(String address, String query) {}

    record Web(
            @Nullable String method,
            String url,
            @Nullable Integer timeoutSeconds,
            @Nullable List<Header> headers,
            @Nullable Map<String, Object> jsonBody,
            @Nullable String jsonPath) {}

    record Header(String key, String value) {}
}
