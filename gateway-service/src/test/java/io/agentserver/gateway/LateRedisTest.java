package io.agentserver.gateway;

import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A gateway that is there before its Redis. */
@ExtendWith(GatewayExtension.class)
class LateRedisTest {
    private static final String MESSAGE = "{\"payload\":{\"Greeting\":{\"Name\":\"x\"}}}";

    private final LocalStores stores;

    LateRedisTest(LocalStores stores) {
        this.stores = stores;
    }

    @Test
    void starts_takes_messages_meanwhile_and_refuses_who_has_no_credit_when_redis_is_there(@TempDir Path directory) {
        int port = FreePorts.take();
        String url = "redis://127.0.0.1:" + port;
        String tenant = "late-redis-org";
        try (RunningGateway gateway = RunningGateway.on(stores, Map.of("AGENTSERVER_REDIS_URL", url))) {
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> gateway.send(gateway.managementRequest("/actuator/health/readiness"))
                                    .status()
                            == 200);
            String key = gateway.createTenant(tenant);
            assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status())
                    .isEqualTo(200);
            assertThat(gateway.post("/v1/messages", key, "application/json", MESSAGE)
                            .status())
                    .isEqualTo(202);
            try (LocalRedis _ = LocalRedis.start(directory, port);
                    RedisClients redis = RedisClients.connect(url, Duration.ofSeconds(5))) {
                new Credit(redis).open(new TenantId(tenant), new PostedBalance(0, 1), Duration.ZERO, Instant.EPOCH);
                await().atMost(Duration.ofSeconds(20))
                        .until(() -> gateway.post("/v1/messages", key, "application/json", MESSAGE)
                                        .status()
                                == 402);
            }
        }
    }
}
