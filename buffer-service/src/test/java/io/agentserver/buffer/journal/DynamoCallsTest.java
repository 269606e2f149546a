package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.TieredThreadStore;
import io.agentserver.buffer.store.dynamo.DynamoConnection;
import io.agentserver.buffer.store.dynamo.DynamoThreadStore;
import io.agentserver.buffer.store.redis.RedisConnections;
import io.agentserver.buffer.store.redis.RedisThreadStore;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedis;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a conversation costs in DynamoDB, whose calls are the price and the limit of {@code tiered}. */
class DynamoCallsTest {
    private final List<String> calls = new CopyOnWriteArrayList<>();
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
                        counted(DynamoConnection.open(dynamo.endpoint().toString())), ttl, clock),
                new RedisThreadStore(RedisConnections.open(redis.url()), ttl, clock),
                CircuitBreaker.ofDefaults("redis"));
        calls.clear();
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
        ConversationReader reader = new ConversationReader(talk.journal, store, talk.wakeups);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<AwaitTurnReply> response = CompletableFuture.supplyAsync(
                    () -> reader.awaitTurn(
                            talk.key,
                            AwaitTurnRequest.newBuilder()
                                    .setTurn(talk.first.getMessage())
                                    .setWaitMs(30_000)
                                    .build()),
                    clients);
            BeginReply begun = talk.begin(talk.first);
            talk.complete(talk.first, talk.respond(talk.first, begun));
            assertThat(response.get().getEnded()).isTrue();
        }
        await().untilAsserted(() -> assertThat(calls).hasSizeGreaterThanOrEqualTo(3));
        assertThat(calls).containsExactly("putItem", "putItem", "putItem");
    }

    private DynamoDbClient counted(DynamoDbClient client) {
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (proxy, method, args) -> {
                    calls.add(method.getName());
                    try {
                        return method.invoke(client, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
