package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

/**
 * The npm packages {@code openai} and {@code @anthropic-ai/sdk} against the router, by {@code src/test/node}. Without node, npm
 * or a way to its registry skipped with a clear word, a failure where {@code CI=true}.
 */
@ExtendWith(TestPlatform.Extension.class)
class ClientsInNodeTest {
    private static final Path SOURCE = Path.of("src", "test", "node");
    private static final Path PLACE = Path.of("target", "node");

    private final TestPlatform platform;

    ClientsInNodeTest(TestPlatform platform) {
        this.platform = platform;
    }

    @Test
    void the_official_clients_work_with_another_base_url_and_key_alone() throws Exception {
        install();
        try (ProviderDouble claude = new ProviderDouble();
                ProviderDouble pool = new ProviderDouble();
                RunningRouter router = TwoShapes.router(platform, claude, pool)) {
            Process tests = start(
                    List.of("node", "--test", "--test-reporter=spec", "clients.test.js"),
                    Map.of("ROUTER_URL", router.url(), "ROUTER_KEY", platform.acmeKey));
            String output = output(tests);
            assertThat(tests.exitValue()).as(output).isZero();
            assertThat(output).containsPattern("pass 2[0-9]").contains("fail 0", "skipped 0");
        }
    }

    private static void install() throws IOException, InterruptedException {
        Files.createDirectories(PLACE);
        for (String file : List.of("package.json", "package-lock.json", "clients.test.js")) {
            Files.write(PLACE.resolve(file), Files.readAllBytes(SOURCE.resolve(file)));
        }
        try {
            Process npm = start(List.of("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"), Map.of());
            String output = output(npm);
            if (npm.exitValue() != 0) {
                cannot("npm cannot install the clients: " + output);
            }
        } catch (IOException missing) {
            cannot("no npm: install the packages nodejs and npm (" + missing.getMessage() + ")");
        }
    }

    private static void cannot(String reason) {
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError(reason);
        }
        abort(reason);
    }

    private static Process start(List<String> command, Map<String, String> environment) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(PLACE.toFile()).redirectErrorStream(true);
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static String output(Process process) throws IOException, InterruptedException {
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor(1, TimeUnit.MINUTES);
            return output;
        } finally {
            process.destroyForcibly().waitFor();
        }
    }
}
