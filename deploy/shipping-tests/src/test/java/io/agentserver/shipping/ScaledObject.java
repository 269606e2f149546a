package io.agentserver.shipping;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/**
 * KEDA's object, as far as its reference for version 2.17 goes
 * (<a href="https://keda.sh/docs/2.17/reference/scaledobject-spec/">scaledobject-spec</a>); fabric8 has no model of it.
 */
@Group("keda.sh")
@Version("v1alpha1")
final class ScaledObject extends CustomResource<ScaledObject.Spec, Void> {
    private static final long serialVersionUID = 1L;

    /** Nothing: it comes from the document. */
    @Override
    protected @Nullable Spec initSpec() {
        return null;
    }

    record Spec(
            Target scaleTargetRef,
            @Nullable Integer pollingInterval,
            @Nullable Integer cooldownPeriod,
            @Nullable Integer initialCooldownPeriod,
            @Nullable Integer idleReplicaCount,
            @Nullable Integer minReplicaCount,
            @Nullable Integer maxReplicaCount,
            @Nullable Fallback fallback,
            List<Trigger> triggers) {}

    record Target(
            @Nullable String apiVersion,
            @Nullable String kind,
            String name,
            @Nullable String envSourceContainerName) {}

    record Fallback(
            int failureThreshold, int replicas, @Nullable String behavior) {}

    record Trigger(
            String type,
            @Nullable String name,
            Map<String, String> metadata,
            @Nullable Boolean useCachedMetrics,
            @Nullable String metricType,
            @Nullable Reference authenticationRef) {}

    record Reference(String name, @Nullable String kind) {}
}
