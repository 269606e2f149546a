package io.agentserver.localstores;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class LocalDynamoTest {
    @TempDir
    private Path directory;

    @Test
    void keeps_its_tables_over_a_restart() {
        try (LocalDynamo local = LocalDynamo.start(directory, 0);
                DynamoDbClient client = StoreClients.dynamo(local.endpoint())) {
            StoreClients.createTable(client, "threads");
            StoreClients.put(client, "threads", "key", "value");
        }
        try (LocalDynamo local = LocalDynamo.start(directory, 0);
                DynamoDbClient client = StoreClients.dynamo(local.endpoint())) {
            assertThat(StoreClients.get(client, "threads", "key")).isEqualTo("value");
        }
    }

    @Test
    void what_was_deleted_is_gone_from_its_files_after_the_next_start() throws IOException {
        try (LocalDynamo local = LocalDynamo.start(directory, 0);
                DynamoDbClient client = StoreClients.dynamo(local.endpoint())) {
            StoreClients.createTable(client, "threads");
            StoreClients.put(client, "threads", "kept", "a-value-that-is-kept");
            StoreClients.put(client, "threads", "gone", "a-value-that-is-gone");
            client.deleteItem(b -> b.tableName("threads").key(Map.of("pk", AttributeValue.fromS("gone"))));
        }
        LocalDynamo.start(directory, 0).close();
        String files = "";
        try (Stream<Path> all = Files.list(directory)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files += Files.readString(file, StandardCharsets.ISO_8859_1);
            }
        }
        assertThat(files).contains("a-value-that-is-kept").doesNotContain("a-value-that-is-gone");
    }

    @Test
    void refuses_a_conditional_put_of_what_is_there() {
        try (LocalDynamo local = LocalDynamo.inMemory(0);
                DynamoDbClient client = StoreClients.dynamo(local.endpoint())) {
            StoreClients.createTable(client, "threads");
            StoreClients.put(client, "threads", "key", "first");
            assertThatThrownBy(() -> StoreClients.put(client, "threads", "key", "second"))
                    .isInstanceOf(ConditionalCheckFailedException.class);
            assertThat(StoreClients.get(client, "threads", "key")).isEqualTo("first");
        }
    }

    @Test
    void two_of_them_in_one_process_are_strangers() {
        try (LocalDynamo one = LocalDynamo.inMemory(0);
                LocalDynamo two = LocalDynamo.start(directory, 0);
                DynamoDbClient first = StoreClients.dynamo(one.endpoint());
                DynamoDbClient second = StoreClients.dynamo(two.endpoint())) {
            StoreClients.createTable(first, "only-here");
            assertThat(first.listTables().tableNames()).containsExactly("only-here");
            assertThat(second.listTables().tableNames()).isEmpty();
        }
    }
}
