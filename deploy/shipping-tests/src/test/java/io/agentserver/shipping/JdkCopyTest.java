package io.agentserver.shipping;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code .ci/copy-jdk}, on a JDK that is linked together as Debian's are. */
class JdkCopyTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path scratch;

    @Test
    void has_what_the_links_lead_to() throws IOException, InterruptedException {
        Path etc = Files.createDirectories(scratch.resolve("etc/java-25-openjdk/security"));
        Files.writeString(etc.resolve("java.security"), "policy");
        Files.createSymbolicLink(etc.resolve("gone"), Path.of("/no/such/file"));
        Path jdk = Files.createDirectories(scratch.resolve("jvm/java-25-openjdk-amd64"));
        Files.createDirectories(jdk.resolve("lib"));
        Files.createDirectories(jdk.resolve("bin"));
        Path java = Files.writeString(jdk.resolve("bin/java"), "#!/bin/sh");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Files.createSymbolicLink(jdk.resolve("lib/security"), etc); // by its whole path
        Files.createSymbolicLink(jdk.resolve("conf"), Path.of("../../etc/java-25-openjdk"));
        Files.createSymbolicLink(jdk.resolve("lib/src.zip"), Path.of("../../openjdk-25/lib/src.zip"));
        Path link = Files.createSymbolicLink(scratch.resolve("jvm/default"), jdk.getFileName());

        Path copy = scratch.resolve("root/opt/java/openjdk");
        Process process = new ProcessBuilder(
                        Path.of("../../.ci/copy-jdk").toAbsolutePath().toString(), link.toString(), copy.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        try (Stream<Path> all = Files.walk(copy)) {
            List<Path> copied = all.toList();
            assertThat(copied).noneMatch(Files::isSymbolicLink);
            assertThat(copied.stream()
                            .filter(Files::isRegularFile)
                            .map(copy::relativize)
                            .map(Path::toString))
                    .containsExactlyInAnyOrder("bin/java", "lib/security/java.security", "conf/security/java.security");
        }
        assertThat(copy.resolve("lib/security/java.security")).hasContent("policy");
        assertThat(copy.resolve("bin/java")).isExecutable();
    }
}
