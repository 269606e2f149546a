package io.agentserver.service.redis;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

class RedisClientsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @Test
    void commands_fail_until_a_redis_that_starts_late_is_there(@TempDir Path directory) {
        int port = FreePorts.take();
        String url = "redis://127.0.0.1:" + port;
        assertThatThrownBy(() -> RedisClients.connect(url, PATIENCE)).isInstanceOf(RedisException.class);
        try (RedisClients clients = RedisClients.connectWhenThere(url, PATIENCE)) {
            assertThatThrownBy(() -> clients.commands().get("k")).isInstanceOf(RedisConnectionException.class);
            assertThatThrownBy(
                            () -> clients.async().get("k").toCompletableFuture().join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(RedisConnectionException.class);
            assertThat(clients.async().digest("return 1"))
                    .as("of a script, before there is anybody to run it")
                    .isEqualTo("e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
            try (LocalRedis _ = LocalRedis.start(directory, port)) {
                await().atMost(Duration.ofSeconds(20))
                        .until(() -> "OK"
                                .equals(clients.async()
                                        .set("k", "v")
                                        .toCompletableFuture()
                                        .exceptionally(notYet -> "")
                                        .join()));
                assertThat(clients.commands().get("k")).isEqualTo("v");
            }
        }
    }

    /** Behind a name or a load balancer the address stays, and the connection to the old primary would too. */
    @Test
    void leaves_a_node_that_has_become_a_replica(@TempDir Path directory) {
        try (LocalRedis server = LocalRedis.start(directory, 0);
                RedisClient operator = RedisClient.create(server.url());
                RedisClients clients = RedisClients.connect(server.url(), PATIENCE)) {
            long connection = clients.commands().clientId();
            RedisCommands<String, String> node = operator.connect().sync();
            node.replicaof("127.0.0.1", FreePorts.take());

            String write = "redis.call('SET', KEYS[1], 'v') return 1";
            assertThatThrownBy(() -> clients.commands().eval(write, ScriptOutputType.INTEGER, "k"))
                    .hasMessageContaining("READONLY");
            await().ignoreExceptions()
                    .untilAsserted(
                            () -> assertThat(clients.commands().clientId()).isNotEqualTo(connection));
        }
    }

    @Test
    void what_is_no_url_is_refused_at_once() {
        assertThatThrownBy(() -> RedisClients.connectWhenThere("nowhere", PATIENCE))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
