package io.agentserver.localstores;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class LocalRedisTest {
    @TempDir
    private Path directory;

    @Test
    void keeps_its_keys_over_a_restart() {
        try (LocalRedis redis = LocalRedis.start(directory, 0)) {
            StoreClients.redis(redis.url(), connection -> connection.sync().set("key", "value"));
        }
        try (LocalRedis redis = LocalRedis.start(directory, 0)) {
            assertThat(get(redis, "key")).isEqualTo("value");
        }
    }

    @Test
    void keeps_its_keys_when_it_is_killed() {
        try (LocalRedis redis = LocalRedis.start(directory, 0)) {
            StoreClients.redis(redis.url(), connection -> connection.sync().set("key", "value"));
            ProcessHandle server = ProcessHandle.of(redis.pid()).orElseThrow();
            server.destroyForcibly();
            await().until(() -> !server.isAlive());
        }
        try (LocalRedis redis = LocalRedis.start(directory, 0)) {
            assertThat(get(redis, "key")).isEqualTo("value");
        }
    }

    @Test
    void ends_with_the_process_that_started_it_even_when_that_is_killed() {
        try (ChildJvm child = ChildJvm.start(RedisProcess.class, directory.toString())) {
            ProcessHandle server = server(child);
            child.kill();
            await().until(() -> !server.isAlive());
        }
    }

    @Test
    void takes_over_from_an_orphan() {
        try (ChildJvm child = ChildJvm.start(RedisProcess.class, directory.toString())) {
            ProcessHandle orphan = server(child);
            ProcessHandle guard = child.handle().children().findFirst().orElseThrow();
            // the watch before the shell that started it: when that ends, the child's JVM closes the pipe to it, and a
            // watch that still lives takes this for the child's end and stops Redis
            guard.children().filter(process -> process.pid() != orphan.pid()).forEach(ProcessHandle::destroyForcibly);
            guard.destroyForcibly();
            child.kill();
            assertThat(orphan.isAlive()).as("it has no guard left").isTrue();

            try (LocalRedis redis = LocalRedis.start(directory, 0)) {
                assertThat(orphan.isAlive()).isFalse();
                assertThat(get(redis, "written by")).isEqualTo("the child");
            }
        }
    }

    @Test
    void leaves_a_process_alone_that_only_has_the_number_of_its_pid_file() throws IOException {
        try (ChildJvm bystander =
                ChildJvm.start(RedisProcess.class, directory.resolve("other").toString())) {
            ProcessHandle otherRedis = server(bystander);
            Files.writeString(directory.resolve("redis.pid"), otherRedis.pid() + "\n");
            LocalRedis.start(directory, 0).close();
            assertThat(otherRedis.isAlive()).isTrue();
        }
    }

    @Test
    void the_shipped_binary_runs_here() throws Exception {
        Process process =
                new ProcessBuilder(RedisBinary.unpack(directory.resolve("bin")).toString(), "--version").start();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("v=6.2");
        assertThat(process.waitFor()).isZero();
    }

    private static String get(LocalRedis redis, String key) {
        return StoreClients.redis(
                redis.url(), connection -> String.valueOf(connection.sync().get(key)));
    }

    private static ProcessHandle server(ChildJvm child) {
        return ProcessHandle.of(Long.parseLong(child.awaitLine("pid ", Duration.ofSeconds(60))))
                .orElseThrow();
    }

    /** Runs a Redis until it is told to stop, and prints its process id. */
    static final class RedisProcess {
        private RedisProcess() {}

        public static void main(String[] arguments) throws IOException {
            try (LocalRedis redis = LocalRedis.start(Path.of(arguments[0]), 0)) {
                StoreClients.redis(redis.url(), connection -> connection.sync().set("written by", "the child"));
                System.out.println("pid " + redis.pid());
                while (System.in.read() >= 0) {
                    // until the parent is gone
                }
            }
        }
    }
}
