package io.agentserver.standalone;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** What a packaged jar says of itself: CycloneDX's bill of materials, where its manifest says that it is. */
class SbomIT {
    private static final String LIBRARIES = "BOOT-INF/lib/";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gateway-service",
                "llm-router-service",
                "buffer-service",
                "pump-service",
                "billing-service",
                "standalone"
            })
    void lists_the_libraries_that_are_in_the_jar(String module) throws IOException {
        try (JarFile jar = new JarFile(Child.jar(module).toFile())) {
            String location = jar.getManifest().getMainAttributes().getValue("Sbom-Location");
            JsonNode bom;
            try (InputStream in = jar.getInputStream(requireNonNull(jar.getEntry(location), location))) {
                bom = JsonMapper.shared().readTree(in);
            }
            List<String> libraries = jar.stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.startsWith(LIBRARIES) && name.endsWith(".jar"))
                    .map(name -> name.substring(LIBRARIES.length()))
                    .filter(name -> !name.startsWith("spring-boot-jarmode-tools-")) // the packager's own
                    .toList();
            List<String> listed = StreamSupport.stream(bom.path("components").spliterator(), false)
                    .map(SbomIT::file)
                    .filter(name -> name.endsWith(".jar"))
                    .filter(name -> !name.startsWith("spring-boot-starter-")) // empty, and left out by the packager
                    .toList();

            assertThat(bom.path("bomFormat").stringValue()).isEqualTo("CycloneDX");
            assertThat(bom.path("metadata").path("component").path("name").stringValue())
                    .isEqualTo(module);
            assertThat(libraries).hasSizeGreaterThan(50);
            assertThat(listed).containsExactlyInAnyOrderElementsOf(libraries);
        }
    }

    /** Of {@code pkg:maven/group/name@version?type=jar&classifier=linux-x86_64} the name that Maven gives the file. */
    private static String file(JsonNode component) {
        String purl = component.path("purl").asString("");
        String classifier = qualifier(purl, "classifier");
        return component.path("name").stringValue() + "-"
                + component.path("version").stringValue()
                + (classifier.isEmpty() ? "" : "-" + classifier) + "." + qualifier(purl, "type");
    }

    private static String qualifier(String purl, String name) {
        Matcher found = Pattern.compile("[?&]" + name + "=([^&]*)").matcher(purl);
        return found.find() ? found.group(1) : "";
    }
}
