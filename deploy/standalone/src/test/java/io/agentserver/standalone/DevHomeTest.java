package io.agentserver.standalone;

import io.agentserver.service.ConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DevHomeTest {
    @TempDir
    private Path directory;

    @Test
    void has_the_same_secrets_at_every_start_until_they_are_forgotten() {
        DevHome home = DevHome.open(directory);
        String secret = home.platformSecret();
        String adminKey = home.adminKey();
        assertThat(home.platformKey()).isRegularFile();

        DevHome again = DevHome.open(directory);
        assertThat(again.platformSecret()).isEqualTo(secret);
        assertThat(again.adminKey()).isEqualTo(adminKey);
        again.forget();
        assertThat(again.adminKey()).isNotEqualTo(adminKey);
    }

    @ParameterizedTest
    @ValueSource(strings = {"platform-key.json", "platform-secret", "admin-key"})
    void names_a_file_that_is_damaged_and_the_remedy(String name) throws IOException {
        DevHome home = DevHome.open(directory);
        home.requireSecrets();
        for (String content : new String[] {"", "to", "{\"keys\":[{\"kty\":\"OKP\"}]}"}) {
            Files.writeString(directory.resolve(name), content);
            assertThatThrownBy(home::requireSecrets)
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessage(directory.resolve(name)
                            + " is damaged: restore it, or start with --fresh, which forgets everything");
        }
        home.forget();
        home.requireSecrets();
    }

    @Test
    void names_a_file_that_cannot_be_read_or_written() throws IOException {
        DevHome home = DevHome.open(directory);
        Files.createDirectory(directory.resolve("admin-key"));
        assertThatThrownBy(home::adminKey)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(directory.resolve("admin-key") + " cannot be read: make it readable");
        Files.createDirectories(directory.resolve("demo-key.new/full"));
        assertThatThrownBy(() -> home.keepDemoKey("x"))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(directory.resolve("demo-key") + " cannot be written: free some space");
    }

    @Test
    void is_refused_where_a_file_is() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> DevHome.open(file))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_HOME=" + file + " cannot be made");
    }

    @Test
    void a_command_finds_what_dev_runs_unless_the_environment_names_other_stores() {
        DevHome home = DevHome.open(directory);
        home.writeEnvironment(Map.of("AGENTSERVER_KAFKA", "127.0.0.1:1", "AGENTSERVER_BUFFER_ADDRESS", "127.0.0.1:2"));

        assertThat(DevHome.forCommands(directory, Map.of("AGENTSERVER_STRIPE_KEY", "sk_test_1")))
                .containsEntry("AGENTSERVER_KAFKA", "127.0.0.1:1")
                .containsEntry("AGENTSERVER_BUFFER_ADDRESS", "127.0.0.1:2")
                .containsEntry("AGENTSERVER_STRIPE_KEY", "sk_test_1")
                .containsEntry(
                        "AGENTSERVER_PLATFORM_KEY",
                        directory.resolve("platform-key.json").toString());
        Map<String, String> other = Map.of("AGENTSERVER_PLATFORM_KEY", "/k", "AGENTSERVER_KAFKA", "far:9092");
        assertThat(DevHome.forCommands(directory, other)).isEqualTo(other);
        assertThatThrownBy(() -> DevHome.forCommands(directory.resolve("elsewhere"), Map.of()))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("start ./agentserver dev");
    }
}
