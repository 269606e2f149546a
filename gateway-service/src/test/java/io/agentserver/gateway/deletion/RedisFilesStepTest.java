package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.redis.RedisClients;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

class RedisFilesStepTest {
    private static final TenantId GONE = new TenantId("gone");

    @Test
    void what_was_deleted_is_gone_from_the_files_when_it_says_so(@TempDir Path directory) throws IOException {
        try (LocalRedis server = LocalRedis.start(directory, 0);
                RedisClients redis = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            redis.commands().set("credit:{gone}:state", "a canary");
            redis.commands().set("kept", "something else");
            Awaitility.await().until(() -> holds(directory, "a canary"));
            redis.commands().del("credit:{gone}:state");

            runToTheEnd(new RedisFilesStep(redis));

            assertThat(holds(directory, "a canary")).isFalse();
            assertThat(holds(directory, "something else")).isTrue();
        }
    }

    @Test
    void never_says_so_when_a_node_cannot_write_them(@TempDir Path directory) throws IOException {
        Path home = Files.createDirectory(directory.resolve("redis"));
        try (LocalRedis server = LocalRedis.start(home, 0);
                RedisClients redis = RedisClients.connect(server.url(), Duration.ofSeconds(5))) {
            redis.commands().set("key", "value");
            deleteAll(home); // from under it
            RedisFilesStep step = new RedisFilesStep(redis);
            String[] cursor = {""};
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
                try {
                    DeletionStep.Part part = step.work(GONE, cursor[0], Instant.EPOCH);
                    assertThat(part.left()).isPositive();
                    boolean failed =
                            cursor[0].equals("rewriting") && part.cursor().isEmpty();
                    cursor[0] = part.cursor();
                    return failed; // its child could not
                } catch (Unavailable refused) {
                    return true; // it could not even begin
                }
            });
        }
    }

    private static void deleteAll(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void runToTheEnd(RedisFilesStep step) {
        String[] cursor = {""};
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
            DeletionStep.Part part = step.work(GONE, cursor[0], Instant.EPOCH);
            boolean looked = cursor[0].equals("rewriting") && part.cursor().isEmpty();
            cursor[0] = part.cursor();
            return looked && part.left() == 0;
        });
    }

    private static boolean holds(Path directory, String text) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
                    return true;
                }
            }
            return false;
        }
    }
}
