package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.PutItemRequest;
import software.amazon.awssdk.services.dynamodb.model.PutItemResponse;
import software.amazon.awssdk.services.dynamodb.model.ReturnConsumedCapacity;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a conversation costs in DynamoDB, whose calls are the price and the limit of {@code tiered}. */
class DynamoCallsTest {
    private final List<String> calls = new CopyOnWriteArrayList<>();
    private final List<Double> units = new CopyOnWriteArrayList<>();
    /** Writes that give a conversation another place in the index. */
    private final AtomicInteger moves = new AtomicInteger();

    private LocalRedis redis;
    private LocalDynamo dynamo;
    private TieredThreadStore store;

    @BeforeEach
    void start(@TempDir Path directory) {
        redis = LocalRedis.start(directory, 0);
        dynamo = LocalDynamo.inMemory(0);
        Clock clock = new TestClock(Conversing.START);
        Duration ttl = Duration.ofHours(24);
        store = new TieredThreadStore(
                new DynamoThreadStore(
                        counted(DynamoConnection.open(dynamo.endpoint().toString())), Retention.ofAll(ttl), clock),
                new RedisThreadStore(RedisConnections.open(redis.url()), Retention.ofAll(ttl), clock),
                CircuitBreaker.ofDefaults("redis"));
        calls.clear();
        units.clear();
    }

    @AfterEach
    void stop() {
        store.close();
        dynamo.close();
        redis.close();
    }

    @Test
    void a_conversation_of_one_message_and_its_response_is_two_commits_an_index_entry_and_no_read() throws Exception {
        Conversing talk = new Conversing(store, Conversing.idOf(Conversing.START));
        // its poll asks DynamoDB, and would come first on a slow machine
        ConversationReader reader = new ConversationReader(talk.journal, store, talk.wakeups, Duration.ofMinutes(1));
        CompletableFuture<AwaitTurnReply> response = new CompletableFuture<>();
        Thread client = Thread.ofVirtual()
                .start(() -> response.complete(reader.awaitTurn(
                        talk.key,
                        AwaitTurnRequest.newBuilder()
                                .setTurn(talk.first.getMessage())
                                .setWaitMs(30_000)
                                .build())));
        // for a wake-up: who comes when the turn has ended looks closely
        await().until(() -> client.getState() == Thread.State.TIMED_WAITING);
        BeginReply begun = talk.begin(talk.first);
        talk.complete(talk.first, talk.respond(talk.first, begun));
        assertThat(response.get().getEnded()).isTrue();
        await().untilAsserted(() -> assertThat(calls).hasSizeGreaterThanOrEqualTo(3));
        assertThat(calls).containsExactly("putItem", "putItem", "putItem");
    }

    /** The load that docs/scaling.md reckons with: the example's three slots, one after another. */
    @Test
    void a_message_of_three_slots_costs_as_many_write_units_as_the_reckoning_says() {
        Conversing talk = new Conversing(store, Conversing.idOf(Conversing.START));
        turnOfThreeSlots(talk, talk.first);
        await().untilAsserted(() -> assertThat(units).hasSize(4));
        assertThat(calls).containsOnly("putItem");
        assertThat(units.stream().mapToDouble(each -> each).sum())
                .as("write units of three commits and meta: " + units
                        + "; DynamoDB Local does not count meta's entry in the index")
                .isEqualTo(7);
        assertThat(moves).as("two units: of the item and of its entry").hasValue(1);

        calls.clear();
        units.clear();
        turnOfThreeSlots(talk, talk.clientMessage());
        assertThat(calls).as("a second turn").containsExactly("putItem", "putItem", "putItem");
        assertThat(units.stream().mapToDouble(each -> each).sum())
                .as("6 with a response of more than 1 KB in all: " + units)
                .isBetween(5.0, 6.0);
        assertThat(moves).hasValue(1);
    }

    /** At 100 commits a second in one conversation, which are promised, that would be one partition's each second. */
    @Test
    void a_long_conversation_has_one_place_in_the_index_for_ten_minutes() {
        // not of the past, which DynamoDB Local would have deleted meanwhile
        Instant tenMinutesBegin = Instant.ofEpochSecond(Instant.now().getEpochSecond() / 600 * 600);
        Conversing talk = new Conversing(store, Conversing.idOf(tenMinutesBegin));
        talk.clock.move(Duration.between(talk.clock.instant(), tenMinutesBegin));
        Emission message = talk.first;
        for (int commit = 2; commit <= 300; commit++) {
            message = talk.handle(message, talk.toItself(message, 0)).getFirst();
            talk.clock.move(Duration.ofMillis(10));
        }
        await().untilAsserted(() -> assertThat(calls).hasSize(304));
        assertThat(calls).as("and meta").filteredOn("putItem"::equals).hasSize(301);
        assertThat(calls).filteredOn("updateItem"::equals).hasSize(3);
        assertThat(moves).hasValue(1);

        talk.begin(message);
        talk.clock.move(Duration.ofMinutes(10));
        talk.complete(message, talk.toItself(message, 0));
        await().untilAsserted(() -> assertThat(moves).hasValue(2));
        assertThat(calls).hasSize(306);
    }

    /** The client's message, what is handed over, the response. */
    private static void turnOfThreeSlots(Conversing talk, Emission message) {
        String padding = "x".repeat(500);
        BeginReply begun = talk.journal.begin(
                talk.key,
                talk.beginning(message)
                        .setEnvelope("<message>" + "j".repeat(900) + padding + "</message>")
                        .build());
        Emission call = talk.journal
                .complete(
                        talk.key,
                        talk.completing(
                                        message,
                                        talk.handOver(message, "shouter").toBuilder()
                                                .setEnvelope("<message>" + padding + "</message>")
                                                .build())
                                .build())
                .getEmissions(0);
        talk.begin(call);
        talk.journal.complete(
                talk.key,
                talk.completing(
                                call,
                                talk.respond(call, begun).toBuilder()
                                        .setEnvelope("<message>" + padding + "</message>")
                                        .build())
                        .build());
    }

    private DynamoDbClient counted(DynamoDbClient client) {
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (proxy, method, args) -> {
                    calls.add(method.getName());
                    if (method.getName().equals("putItem") && args[0] instanceof Consumer<?> mutation) {
                        return put(client, mutation);
                    }
                    if (method.getName().equals("updateItem")) {
                        countMove(args[0]);
                    }
                    try {
                        return method.invoke(client, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @SuppressWarnings("unchecked") // it is what updateItem takes
    private void countMove(Object mutation) {
        UpdateItemRequest request = UpdateItemRequest.builder()
                .applyMutation((Consumer<UpdateItemRequest.Builder>) mutation)
                .build();
        if (request.updateExpression().contains("last_activity")) {
            moves.incrementAndGet();
        }
    }

    @SuppressWarnings("unchecked") // it is what putItem takes
    private PutItemResponse put(DynamoDbClient client, Consumer<?> mutation) {
        PutItemRequest request = PutItemRequest.builder()
                .applyMutation((Consumer<PutItemRequest.Builder>) mutation)
                .returnConsumedCapacity(ReturnConsumedCapacity.TOTAL)
                .build();
        if (request.item().containsKey("tenant_shard")) {
            moves.incrementAndGet();
        }
        PutItemResponse response = client.putItem(request);
        units.add(response.consumedCapacity().capacityUnits());
        return response;
    }
}
