package io.agentserver.shipping;

import io.agentserver.service.PlatformKeys;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.util.Base64;

import static org.assertj.core.api.Assertions.assertThat;

/** What deploy/platform-secrets makes is what the services take. */
class PlatformSecretsTest {
    @Test
    void makes_what_the_services_take(@TempDir Path scratch) throws Exception {
        Path made = scratch.resolve("secrets");

        assertThat(run(made)).isEmpty();

        PlatformKeys keys = PlatformKeys.load(made.resolve("platform-key.json"));
        Signature signer = Signature.getInstance("Ed25519");
        signer.initSign(keys.signing().key());
        byte[] signature = signer.sign();
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(keys.find(keys.signing().kid()).orElseThrow().key());
        assertThat(verifier.verify(signature)).as("both halves are one key").isTrue();
        assertThat(keys.publicJwks()).contains("\"x\"").doesNotContain("\"d\"");
        String secret = Files.readString(made.resolve("platform-secret"));
        assertThat(Base64.getDecoder().decode(secret)).hasSize(32);
        String admin = Files.readString(made.resolve("admin-key"));
        assertThat(admin).hasSize(64).doesNotContainAnyWhitespaces();
        assertThat(Files.readAllLines(made.resolve("compose.env")))
                .containsExactly("AGENTSERVER_PLATFORM_SECRET=" + secret, "AGENTSERVER_ADMIN_KEY=" + admin);
        assertThat(Files.getPosixFilePermissions(made)).hasToString("[OWNER_READ, OWNER_WRITE, OWNER_EXECUTE]");
    }

    @Test
    void overwrites_nothing(@TempDir Path scratch) throws Exception {
        assertThat(run(scratch)).contains("is there already");
        assertThat(scratch).isEmptyDirectory();
    }

    /** Its standard error. */
    private static String run(Path directory) throws IOException, InterruptedException {
        Process script = new ProcessBuilder(
                        "../platform-secrets", directory.toAbsolutePath().toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        String errors = new String(script.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        script.waitFor();
        return errors;
    }
}
