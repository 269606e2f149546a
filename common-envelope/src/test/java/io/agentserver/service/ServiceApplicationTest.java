package io.agentserver.service;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ServiceApplicationTest {
    @Test
    void a_misspelt_setting_is_named_with_its_neighbour() {
        assertThatThrownBy(() -> ServiceApplication.requireKnownSettings(Map.of("AGENTSERVER_KAFKAA", "x")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("AGENTSERVER_KAFKAA")
                .hasMessageContaining("AGENTSERVER_KAFKA ");
        assertThatCode(() -> ServiceApplication.requireKnownSettings(Map.of("AGENTSERVER_KAFKA", "x", "PATH", "y")))
                .doesNotThrowAnyException();
    }

    @Test
    void a_failure_to_start_is_one_line_with_the_configuration_s_word() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ServiceApplication.fail(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                "pump",
                new IllegalStateException(
                        "context",
                        new ConfigurationException(
                                "AGENTSERVER_KAFKA=x:\n unreachable", new RuntimeException("deep"))));
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo("agentserver pump cannot start: AGENTSERVER_KAFKA=x: unreachable" + System.lineSeparator());
    }
}
