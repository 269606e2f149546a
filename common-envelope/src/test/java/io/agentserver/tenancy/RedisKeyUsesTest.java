package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;

class RedisKeyUsesTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2030-01-31T12:00:00Z");

    @Test
    void hands_each_use_on_once_and_of_a_keys_the_latest(@TempDir Path directory) {
        try (LocalRedis server = LocalRedis.start(directory, 0);
                RedisClients clients = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            RedisKeyUses uses = new RedisKeyUses(clients);
            assertThat(uses.take()).isEmpty();
            uses.keep(new KeyUses.Use(ACME, "a", NOON));
            uses.keep(new KeyUses.Use(ACME, "a", NOON.plusSeconds(60)));
            uses.keep(new KeyUses.Use(ACME, "a", NOON.plusSeconds(30)));
            uses.keep(new KeyUses.Use(new TenantId("globex"), "a", NOON));
            assertThat(uses.take())
                    .containsExactly(
                            new KeyUses.Use(new TenantId("globex"), "a", NOON),
                            new KeyUses.Use(ACME, "a", NOON.plusSeconds(60)));
            assertThat(uses.take()).isEmpty();
        }
    }

    @Test
    void forgets_a_tenant_and_nobody_whose_name_begins_alike(@TempDir Path directory) {
        try (LocalRedis server = LocalRedis.start(directory, 0);
                RedisClients clients = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            RedisKeyUses uses = new RedisKeyUses(clients);
            for (int i = 0; i < 2_500; i++) { // more than are looked at in one go
                uses.keep(new KeyUses.Use(ACME, "key-" + i, NOON));
            }
            KeyUses.Use other = new KeyUses.Use(new TenantId("acme-two"), "a", NOON);
            uses.keep(other);
            assertThat(uses.forget(ACME)).isEqualTo(2_500);
            assertThat(uses.forget(ACME)).isZero();
            assertThat(uses.take()).containsExactly(other);
        }
    }
}
