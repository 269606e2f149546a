package io.agentserver.localstores;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class LocalRedisClusterTest {
    @Test
    void a_replica_takes_over_from_a_primary_that_was_killed(@TempDir Path directory) {
        try (LocalRedisCluster cluster = LocalRedisCluster.start(directory, 3, Duration.ofSeconds(2))) {
            assertThat(cluster.url().split(",")).hasSize(6);
            assertThat(cluster.isPrimary(2)).isTrue();
            assertThat(cluster.isPrimary(5)).isFalse();
            cluster.kill(2);
            await().atMost(Duration.ofSeconds(30)).until(() -> cluster.isPrimary(5));
        }
    }
}
