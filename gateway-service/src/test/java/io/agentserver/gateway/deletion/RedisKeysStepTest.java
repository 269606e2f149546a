package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class RedisKeysStepTest {
    private static final TenantId GONE = new TenantId("gone");

    /** Keys as the services write them. */
    private static final List<String> KEYS = List.of(
            "credit:{%s}:state",
            "credit:{%s}:seconds",
            "rate:{%s}:all",
            "once:{%s}:5e88",
            "once:{%s}:5e88:unwanted",
            "once:{%s}:keys",
            "once:{%s}:answers",
            "once:{%s}:sizes",
            "llm-cache:{%s}:2cf2",
            "llm-cache:{%s}:index",
            "llm-cache:{%s}:sizes");

    @Test
    void leaves_nothing_of_the_tenant_and_everything_of_one_whose_name_begins_alike(@TempDir Path directory) {
        try (LocalRedis server = LocalRedis.start(directory, 0);
                RedisClients redis = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            for (String key : KEYS) {
                redis.commands().set(key.formatted("gone"), "a canary");
                redis.commands().set(key.formatted("gone-not"), "something else");
            }
            RedisKeysStep step = new RedisKeysStep(redis);

            assertThat(step.work(GONE, "", Instant.EPOCH)).isEqualTo(DeletionStep.Part.of(KEYS.size(), ""));
            assertThat(redis.commands().keys("*"))
                    .containsExactlyInAnyOrderElementsOf(
                            KEYS.stream().map(key -> key.formatted("gone-not")).toList());
            assertThat(step.work(GONE, "", Instant.EPOCH))
                    .as("the look afterwards")
                    .isEqualTo(DeletionStep.Part.of(0, ""));
        }
    }
}
