package io.agentserver.shipping;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/**
 * Argo CD's objects, as far as deploy/argocd uses them
 * (<a href="https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml">application.yaml</a> and its
 * neighbours); nobody publishes a Java model of them.
 */
final class ArgoCd {
    private ArgoCd() {}

    @Group("argoproj.io")
    @Version("v1alpha1")
    @Kind("AppProject")
    static final class Project extends CustomResource<ProjectSpec, Void> {
        private static final long serialVersionUID = 1L;

        @Override
        protected @Nullable ProjectSpec initSpec() {
            return null;
        }
    }

    record ProjectSpec(
            @Nullable String description,
            List<String> sourceRepos,
            List<Destination> destinations,
            List<GroupKind> clusterResourceWhitelist,
            List<GroupKind> namespaceResourceWhitelist) {}

    record GroupKind(String group, String kind) {}

    record Destination(String server, String namespace) {}

    @Group("argoproj.io")
    @Version("v1alpha1")
    static final class ApplicationSet extends CustomResource<SetSpec, Void> {
        private static final long serialVersionUID = 1L;

        @Override
        protected @Nullable SetSpec initSpec() {
            return null;
        }
    }

    record SetSpec(boolean goTemplate, List<String> goTemplateOptions, List<Generator> generators, Template template) {}

    record Generator(Elements list) {}

    record Elements(List<Map<String, String>> elements) {}

    record Template(Map<String, String> metadata, Application spec) {}

    record Application(
            String project,
            Destination destination,
            List<Source> sources,
            SyncPolicy syncPolicy,
            @Nullable Integer revisionHistoryLimit) {}

    record Source(
            String repoURL,
            String targetRevision,
            @Nullable String path,
            @Nullable String ref,
            @Nullable Helm helm) {}

    record Helm(String releaseName, List<String> valueFiles, Map<String, Object> valuesObject) {}

    record SyncPolicy(Automated automated, List<String> syncOptions, Retry retry) {}

    record Automated(boolean prune, boolean selfHeal) {}

    record Retry(int limit, Backoff backoff) {}

    record Backoff(String duration, int factor, String maxDuration) {}
}
