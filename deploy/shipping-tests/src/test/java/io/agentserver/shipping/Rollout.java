package io.agentserver.shipping;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * Argo Rollouts' object, as far as the chart uses it
 * (<a href="https://argo-rollouts.readthedocs.io/en/stable/features/specification/">specification</a>); nobody publishes a
 * Java model of it.
 */
@Group("argoproj.io")
@Version("v1alpha1")
final class Rollout extends CustomResource<Rollout.Spec, Void> {
    private static final long serialVersionUID = 1L;

    /** Nothing: it comes from the document. */
    @Override
    protected @Nullable Spec initSpec() {
        return null;
    }

    record Spec(
            @Nullable Integer replicas,
            @Nullable Integer revisionHistoryLimit,
            LabelSelector selector,
            @Nullable Integer progressDeadlineSeconds,
            @Nullable Boolean progressDeadlineAbort,
            Strategy strategy,
            PodTemplateSpec template) {}

    record Strategy(@Nullable BlueGreen blueGreen, @Nullable Canary canary) {}

    record BlueGreen(
            String activeService,
            @Nullable String previewService,
            @Nullable Boolean autoPromotionEnabled,
            @Nullable Integer scaleDownDelaySeconds,
            @Nullable Analysis prePromotionAnalysis,
            @Nullable Analysis postPromotionAnalysis) {}

    record Canary(@Nullable IntOrString maxSurge, @Nullable IntOrString maxUnavailable, List<Step> steps) {}

    /** One of its members. */
    record Step(
            @Nullable Integer setWeight,
            @Nullable Pause pause,
            @Nullable Analysis analysis) {}

    record Pause(@Nullable String duration) {}

    record Analysis(List<Template> templates, @Nullable List<Argument> args) {}

    record Template(String templateName, @Nullable Boolean clusterScope) {}

    record Argument(
            String name,
            @Nullable String value,
            @JsonProperty("valueFrom") @Nullable ValueFrom from) {}

    record ValueFrom(String podTemplateHashValue) {}
}
