package io.agentserver.router;

import io.agentserver.log.Brokers;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.ServiceApplication;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

@ExtendWith(TestPlatform.Extension.class)
class StartTest {
    private final TestPlatform platform;

    StartTest(TestPlatform platform) {
        this.platform = platform;
    }

    @Test
    void says_in_one_line_what_is_wrong_with_a_setting() throws IOException {
        assertThat(reason("AGENTSERVER_KAFKA", ""))
                .isEqualTo("AGENTSERVER_KAFKA is not set: name the brokers as host:port");
        assertThat(reason("AGENTSERVER_KAFKA_PROPERTIES", "/nowhere"))
                .startsWith("AGENTSERVER_KAFKA_PROPERTIES=/nowhere: cannot be read");
        assertThat(reason("AGENTSERVER_PLATFORM_KEY", "/nowhere")).startsWith("AGENTSERVER_PLATFORM_KEY=/nowhere");
        assertThat(reason("AGENTSERVER_REDIS_URL", "redis://:secret@127.0.0.1:1"))
                .isEqualTo(
                        "AGENTSERVER_REDIS_URL=redis://…@127.0.0.1:1: no Redis answers there: start it or correct the address");
        assertThat(reason(
                        "AGENTSERVER_LLM_ROUTES",
                        platform.write("wrong.yaml", "routes: 7").toString()))
                .contains("wrong.yaml line 1: routes is not a mapping");
    }

    @Test
    void says_in_one_line_that_no_broker_answers() {
        assertThatThrownBy(() -> KafkaUsageTopic.ensure(Brokers.plain("127.0.0.1:1"), 1, Duration.ofSeconds(1)))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("AGENTSERVER_KAFKA=127.0.0.1:1: no broker there");
    }

    private String reason(String setting, String value) {
        Map<String, String> settings = platform.settings();
        settings.put(setting, value);
        Throwable failure =
                catchThrowable(() -> ServiceApplication.start(LlmRouterApplication.class, "llm-router", settings));
        assertThat(failure).as("it must not start").isNotNull();
        String reason = ServiceApplication.reason(failure);
        assertThat(reason).doesNotContain("\n");
        return reason;
    }
}
