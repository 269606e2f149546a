package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.ThreadStoreContract;
import io.agentserver.localstores.LocalDynamo;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DynamoThreadStoreTest extends ThreadStoreContract {
    private static final AttributeValue NOTHING = AttributeValue.fromNul(true);

    private static LocalDynamo server;
    private static DynamoDbClient dynamo;
    private static DynamoThreadStore store;

    @BeforeAll
    static void start() {
        server = LocalDynamo.inMemory(0);
        dynamo = DynamoConnection.open(server.endpoint().toString());
        store = open(server);
    }

    @AfterAll
    static void stop() {
        store.close();
        dynamo.close();
        server.close();
    }

    @Override
    protected ThreadStore store() {
        return store;
    }

    @Test
    void keeps_a_commit_as_an_item_whose_envelopes_people_can_read_and_which_expires() {
        ConversationKey key = conversation(TENANT);
        append(key, 2);
        Map<String, AttributeValue> item = item(key, "commit#0000000002");
        assertThat(item.getOrDefault("envelopes", NOTHING).l())
                .containsExactly(AttributeValue.fromS("<message>2</message>"));
        assertThat(Instant.ofEpochSecond(
                        Long.parseLong(item.getOrDefault("expires_at", NOTHING).n())))
                .isBetween(
                        Instant.now().plus(Duration.ofHours(47)), Instant.now().plus(Duration.ofHours(49)));
    }

    @Test
    void begins_after_the_hole_that_expiry_has_made() {
        ConversationKey key = conversation(TENANT);
        append(key, 5);
        for (String number : new String[] {"1", "3"}) {
            dynamo.deleteItem(request -> request.tableName("threads").key(id(key, "commit#000000000" + number)));
        }
        assertThat(store.read(key, 1, Look.CONSISTENT))
                .hasSize(2)
                .first()
                .satisfies(first -> assertThat(first.getNumber()).isEqualTo(4));
    }

    @Test
    void a_second_process_finds_the_table_there() {
        ConversationKey key = conversation(TENANT);
        append(key, 1);
        try (DynamoThreadStore second = open(server)) {
            assertThat(second.read(key, 1, Look.FAST)).hasSize(1);
        }
    }

    @Test
    void says_that_dynamodb_is_away() {
        try (LocalDynamo other = LocalDynamo.inMemory(0);
                DynamoThreadStore lonely = open(other)) {
            other.close();
            assertThatThrownBy(lonely::check)
                    .isInstanceOf(StoreUnavailableException.class)
                    .hasMessage("DynamoDB is away, try again");
        }
    }

    private static DynamoThreadStore open(LocalDynamo server) {
        return new DynamoThreadStore(
                DynamoConnection.open(server.endpoint().toString()), Duration.ofHours(24), Clock.systemUTC());
    }

    private static Map<String, AttributeValue> item(ConversationKey key, String sk) {
        return dynamo.getItem(request -> request.tableName("threads").key(id(key, sk)))
                .item();
    }

    private static Map<String, AttributeValue> id(ConversationKey key, String sk) {
        return Map.of("pk", AttributeValue.fromS(key.toString()), "sk", AttributeValue.fromS(sk));
    }
}
