package io.agentserver.shipping;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import org.yaml.snakeyaml.Yaml;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The chart as Helm lints and renders it (Helm itself, embedded in helm-java), over the values that each installation must give. */
final class Chart {
    static final Path DIRECTORY = Path.of("../../helm/agentserver");
    /** Of the three values files for clouds; the empty one: the chart's defaults. */
    static final List<String> CLOUDS = List.of("", "eks", "gke", "aks");

    private static final Path REQUIRED = Path.of("src/test/resources/required.yaml");
    private static final String KUBERNETES = "1.34.0";

    private Chart() {}

    /** Renders the chart as {@code helm template agentserver -n agents}. */
    static Rendered render(String cloud, Map<String, Object> settings) {
        return Rendered.of(template(cloud).withValuesFile(REQUIRED), settings);
    }

    static Rendered render(String cloud) {
        return render(cloud, Map.of());
    }

    /** With the values of an installation, and no others. */
    static Rendered render(String cloud, Path values) {
        return Rendered.of(template(cloud).withValuesFile(values), Map.of());
    }

    /** Without what each installation must give. */
    static Rendered renderBare(Map<String, Object> settings) {
        return Rendered.of(template(""), settings);
    }

    /** What Helm says after {@code helm install}; no cluster is asked. */
    static String notes(String cloud, Map<String, Object> settings) {
        InstallCommand command = new Helm(DIRECTORY)
                .install()
                .clientOnly()
                .withName("agentserver")
                .withNamespace("agents")
                .withKubeVersion(KUBERNETES)
                .withValuesFile(REQUIRED);
        if (!cloud.isEmpty()) {
            command.withValuesFile(values(cloud));
        }
        settings.forEach(command::set);
        return command.call().getOutput();
    }

    private static TemplateCommand template(String cloud) {
        TemplateCommand command = new Helm(DIRECTORY)
                .template()
                .withName("agentserver")
                .withNamespace("agents")
                .withKubeVersion(KUBERNETES);
        return cloud.isEmpty() ? command : command.withValuesFile(values(cloud));
    }

    /** Lints a copy of the chart whose {@code values.yaml} has those values merged in: linting takes no values files. */
    static LintResult lint(String cloud, Path scratch) throws IOException {
        Map<String, Object> values = yaml(DIRECTORY.resolve("values.yaml"));
        merge(values, yaml(REQUIRED));
        if (!cloud.isEmpty()) {
            merge(values, yaml(values(cloud)));
        }
        Path copy = scratch.resolve("agentserver");
        try (Stream<Path> files = Files.walk(DIRECTORY, FileVisitOption.FOLLOW_LINKS)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path to = copy.resolve(DIRECTORY.relativize(file).toString());
                Files.createDirectories(to.getParent());
                Files.copy(file, to);
            }
        }
        Files.writeString(copy.resolve("values.yaml"), new Yaml().dump(values));
        return new Helm(copy).lint().strict().call();
    }

    static Path values(String cloud) {
        return DIRECTORY.resolve("values-" + cloud + ".yaml");
    }

    static Map<String, Object> yaml(Path file) throws IOException {
        return new Yaml().load(Files.readString(file));
    }

    /** As Helm merges: a map into a map, anything else replaces. */
    @SuppressWarnings("unchecked")
    private static void merge(Map<String, Object> into, Map<String, Object> over) {
        over.forEach((key, value) -> {
            if (value instanceof Map<?, ?> map && into.get(key) instanceof Map<?, ?> below) {
                Map<String, Object> merged = new LinkedHashMap<>((Map<String, Object>) below);
                merge(merged, (Map<String, Object>) map);
                into.put(key, merged);
            } else {
                into.put(key, value);
            }
        });
    }
}
