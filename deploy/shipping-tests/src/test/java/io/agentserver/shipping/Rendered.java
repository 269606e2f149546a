package io.agentserver.shipping;

import com.marcnuri.helm.TemplateCommand;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.Deployment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What Helm made of the chart, every object read strictly. */
record Rendered(String text, List<HasMetadata> objects) {

    static Rendered of(TemplateCommand command, Map<String, Object> settings) {
        settings.forEach(command::set);
        String text = command.call();
        try {
            return new Rendered(text, StrictReader.read(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    <T extends HasMetadata> List<T> all(Class<T> kind) {
        return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    <T extends HasMetadata> T one(Class<T> kind, String name) {
        return all(kind).stream()
                .filter(object -> object.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + kind.getSimpleName() + " " + name));
    }

    static Container container(Deployment deployment) {
        return deployment.getSpec().getTemplate().getSpec().getContainers().getFirst();
    }

    /** The variables of a service's container by name. */
    Map<String, EnvVar> environment(String service) {
        Map<String, EnvVar> environment = new LinkedHashMap<>();
        for (EnvVar variable :
                container(one(Deployment.class, "agentserver-" + service)).getEnv()) {
            if (environment.put(variable.getName(), variable) != null) {
                throw new AssertionError(service + " has " + variable.getName() + " twice");
            }
        }
        return environment;
    }
}
