package io.agentserver.localstores;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class LocalStoresTest {
    @TempDir
    private Path directory;

    @Test
    void keep_everything_when_their_process_is_killed() {
        try (ChildJvm child = ChildJvm.start(LocalStores.class, directory.toString())) {
            String[] addresses =
                    child.awaitLine("ready ", Duration.ofSeconds(60)).split(" ", -1);
            assertThat(addresses).as("Kafka, Redis, DynamoDB").hasSize(3);
            StoreClients.createTopic(addresses[0], "messages.demo");
            StoreClients.append(addresses[0], "messages.demo", "in Kafka");
            StoreClients.redis(addresses[1], connection -> connection.sync().set("key", "in Redis"));
            try (DynamoDbClient dynamo = StoreClients.dynamo(URI.create(addresses[2]))) {
                StoreClients.createTable(dynamo, "threads");
                StoreClients.put(dynamo, "threads", "key", "in DynamoDB");
            }
            child.kill();
        }

        try (LocalStores stores = LocalStores.start(directory, LocalStores.ALL_ON_FREE_PORTS);
                DynamoDbClient dynamo = StoreClients.dynamo(stores.dynamoEndpoint())) {
            assertThat(StoreClients.read(stores.kafkaBootstrap(), "reader", Pattern.compile("messages\\..*"), 1))
                    .containsExactly("in Kafka");
            assertThat(StoreClients.<String>redis(
                            stores.redisUrl(),
                            connection -> String.valueOf(connection.sync().get("key"))))
                    .isEqualTo("in Redis");
            assertThat(StoreClients.get(dynamo, "threads", "key")).isEqualTo("in DynamoDB");
        }
    }

    @Test
    void run_only_what_is_asked_for_and_leave_no_temporary_directory() {
        LocalStores stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.REDIS, 0));
        try (stores) {
            assertThat(stores.redisUrl()).startsWith("redis://127.0.0.1:");
            assertThatThrownBy(stores::kafka).hasMessage("KAFKA does not run here; running: [REDIS]");
            assertThat(stores.directory()).isDirectory();
        }
        assertThat(stores.directory()).doesNotExist();
    }

    @Test
    void name_the_port_that_is_taken_and_its_holder_and_start_nothing() throws IOException {
        try (ServerSocket holder = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = holder.getLocalPort();
            assertThatThrownBy(
                            () -> LocalStores.start(directory, Map.of(LocalStore.REDIS, 0, LocalStore.DYNAMODB, port)))
                    .isInstanceOf(LocalStoreException.class)
                    .hasMessage("port " + port + " for DynamoDB Local is taken by process "
                            + ProcessHandle.current().pid() + " (java): stop that, or choose another port");
        }
        assertThat(directory.resolve("redis").resolve("redis.pid")).doesNotExist();
    }

    @Test
    void refuse_a_directory_that_another_run_uses() {
        Map<LocalStore, Integer> redis = Map.of(LocalStore.REDIS, 0);
        try (LocalStores running = LocalStores.start(directory, redis)) {
            assertThat(running.directory()).isEqualTo(directory);
            assertThatThrownBy(() -> LocalStores.start(directory, redis))
                    .hasMessage(
                            directory
                                    + " is in use by another running agentserver: stop that, or choose another directory (of dev: AGENTSERVER_HOME)");
            assertThatThrownBy(() -> LocalStores.forget(directory)).hasMessageContaining("is in use");
        }
        LocalStores.start(directory, redis).close();
    }

    @Test
    void refuse_a_disk_without_room() {
        assertThatThrownBy(() -> StateDirectory.open(directory, Long.MAX_VALUE))
                .hasMessageMatching(
                        "only \\d+ MiB are free for .*: free some space or choose another directory .*AGENTSERVER_HOME.*");
        StateDirectory.open(directory).close();
    }

    @Test
    void forget_everything_when_told_to() throws IOException {
        Map<LocalStore, Integer> redis = Map.of(LocalStore.REDIS, 0);
        LocalStores.start(directory, redis).close();
        assertThat(directory.resolve("redis")).isDirectory();
        LocalStores.forget(directory);
        try (var left = Files.list(directory)) {
            assertThat(left).containsExactly(directory.resolve("lock"));
        }
    }
}
