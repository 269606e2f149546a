package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.store.ThreadStoreContract;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.PutItemRequest;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

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

    @Override
    protected boolean isFast() {
        return false;
    }

    @Test
    void what_could_not_be_listed_is_listed_when_it_is_made_up_for() {
        AtomicBoolean refuses = new AtomicBoolean(true);
        AtomicInteger refused = new AtomicInteger();
        DynamoDbClient real = DynamoConnection.open(server.endpoint().toString());
        DynamoDbClient refusing = (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (proxy, method, args) -> {
                    if (method.getName().equals("putItem") && refuses.get() && isOfMeta(args[0])) {
                        refused.incrementAndGet();
                        throw SdkClientException.create("told so");
                    }
                    try {
                        return method.invoke(real, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        TenantId tenant = new TenantId("unlisted");
        try (DynamoThreadStore its = new DynamoThreadStore(refusing, RETENTION, Clock.systemUTC())) {
            ConversationKey key = conversation(tenant);
            assertThat(its.append(key, commit(1, "one"), 0)).isTrue();
            await().until(() -> refused.get() == 1);
            assertThat(its.recent(tenant, Order.OLDEST_FIRST, 10, Optional.empty())
                            .conversations())
                    .isEmpty();
            refuses.set(false);
            await().untilAsserted(() -> {
                its.makeUp();
                assertThat(its.recent(tenant, Order.OLDEST_FIRST, 10, Optional.empty())
                                .conversations())
                        .hasSize(1);
            });
        }
    }

    @SuppressWarnings("unchecked") // it is what putItem takes
    private static boolean isOfMeta(Object mutation) {
        PutItemRequest request = PutItemRequest.builder()
                .applyMutation((Consumer<PutItemRequest.Builder>) mutation)
                .build();
        return "meta".equals(Objects.requireNonNull(request.item().get("sk")).s());
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
    void leaves_no_byte_of_what_was_erased_in_any_item() {
        ConversationKey key = conversation(TENANT);
        assertThat(store.append(key, commit(1, "canary ".repeat(100_000)), 0)).isTrue();
        assertThat(store.append(key, commit(2, "canary"), 1)).isTrue();
        Commit erasure = Commit.newBuilder()
                .setNumber(3)
                .setAtMs(System.currentTimeMillis())
                .addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()))
                .build();
        assertThat(store.append(key, erasure, 1)).isTrue();
        assertThat(everyItem(key)).anyMatch(item -> item.contains("canary"));
        store.erase(key, erasure);
        assertThat(everyItem(key))
                .hasSize(4) // the commits and meta
                .noneMatch(item -> item.contains("canary") || item.contains("tenant_shard"));
    }

    private static List<String> everyItem(ConversationKey key) {
        return dynamo
                .query(request -> request.tableName("threads")
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(key.toString()))))
                .items()
                .stream()
                .map(Map::toString)
                .toList();
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
    void hides_what_dynamodb_may_have_deleted_in_part() {
        ConversationKey key = conversation(TENANT);
        append(key, 5);
        for (String number : new String[] {"1", "3"}) {
            expire(key, "commit#000000000" + number);
        }
        assertThat(store.read(key, 1, Look.CONSISTENT))
                .extracting(Commit::getNumber)
                .containsExactly(4L, 5L);
        assertThat(store.append(key, commit(5, "x"), 0)).as("4 and 5 are there").isFalse();
    }

    @Test
    void a_conversation_begins_anew_over_what_has_expired_and_is_not_deleted_yet() {
        ConversationKey key = conversation(TENANT);
        append(key, 3);
        for (int number = 1; number <= 3; number++) {
            expire(key, "commit#000000000" + number);
        }
        dynamo.deleteItem(request -> request.tableName("threads").key(id(key, "meta")));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEmpty();

        assertThat(store.append(key, commit(1, "x"), 0)).isTrue();

        assertThat(store.append(key, commit(1, "x"), 0)).isFalse();
        assertThat(store.read(key, 1, Look.CONSISTENT))
                .extracting(Commit::getNumber)
                .containsExactly(1L);
    }

    @Test
    void an_expired_conversation_goes_on_after_all_that_it_ever_counted() {
        ConversationKey key = conversation(TENANT);
        long old = System.currentTimeMillis() - Duration.ofHours(49).toMillis();
        for (int number = 1; number <= 250; number++) {
            Commit commit = commit(number, "x").toBuilder()
                    .setAtMs(old)
                    .setSequenceBefore(number - 1)
                    .build();
            store.append(key, commit, number == 1 ? 0 : old);
        }
        await().until(() -> item(key, "meta").containsKey("last_number"));

        List<Commit> left = store.read(key, 1, Look.CONSISTENT);

        assertThat(left).hasSize(1);
        assertThat(left.getFirst().getNumber()).isGreaterThan(250);
        assertThat(left.getFirst().getSequenceBefore()).isGreaterThanOrEqualTo(250);
        assertThat(left.getFirst().getAtMs()).isEqualTo(old);
        assertThat(left.getFirst().getChangesList()).isEmpty();
        assertThat(Long.parseLong(
                        item(key, "meta").getOrDefault("expires_at", NOTHING).n()))
                .as("it outlives the commits")
                .isGreaterThan(old / 1000 + Duration.ofHours(48).toSeconds());
    }

    /** Each hundredth commit counts only, and may come before the one that moves. */
    @Test
    void a_conversation_moves_in_the_index_also_when_a_later_commit_was_counted_first() {
        ConversationKey key = conversation(TENANT);
        append(key, 1);
        await().until(() -> !item(key, "meta").isEmpty());
        long now = commit(1, "x").getAtMs();
        long later = now + Duration.ofMinutes(20).toMillis();
        Commit counted = commit(200, "x").toBuilder().setAtMs(later + 1).build();
        assertThat(store.append(key, counted, later)).isTrue();
        await().until(() -> lastOf(key, "number") == 200);
        assertThat(lastOf(key, "activity")).as("it keeps its place").isEqualTo(now);

        Commit moved = commit(199, "x").toBuilder().setAtMs(later).build();
        assertThat(store.append(key, moved, now)).isTrue();

        await().until(() -> lastOf(key, "activity") == later);
        assertThat(lastOf(key, "number")).isEqualTo(200);
    }

    @Test
    void a_hundredth_commit_makes_the_item_meta_if_there_is_none() {
        ConversationKey key = conversation(TENANT);
        Commit hundredth = commit(100, "x");
        assertThat(store.append(key, hundredth, hundredth.getAtMs())).isTrue();
        await().until(() -> !item(key, "meta").isEmpty());
        assertThat(item(key, "meta")).containsKeys("last_number", "last_sequence", "last_activity", "tenant_shard");
    }

    private static long lastOf(ConversationKey key, String what) {
        return Long.parseLong(
                item(key, "meta").getOrDefault("last_" + what, NOTHING).n());
    }

    @Test
    void a_conversation_whose_commits_are_alive_is_not_taken_for_an_expired_one() {
        ConversationKey key = conversation(TENANT);
        append(key, 1);
        await().until(() -> !item(key, "meta").isEmpty());
        dynamo.deleteItem(request -> request.tableName("threads").key(id(key, "commit#0000000001")));
        assertThat(store.read(key, 1, Look.CONSISTENT)).isEmpty();
    }

    @Test
    void no_commit_expires_before_the_one_before_it() {
        ConversationKey key = conversation(TENANT);
        long ahead = System.currentTimeMillis() + Duration.ofMinutes(5).toMillis();
        // the clock of whoever wrote the first was ahead; the journal's own time never runs back
        for (int number = 1; number <= 2; number++) {
            store.append(key, commit(number, "x").toBuilder().setAtMs(ahead).build(), 0);
        }
        assertThat(item(key, "commit#0000000002").get("expires_at"))
                .isEqualTo(item(key, "commit#0000000001").get("expires_at"))
                .isEqualTo(AttributeValue.fromN(
                        Long.toString(ahead / 1000 + Duration.ofHours(48).toSeconds())));
    }

    @Test
    void a_commit_is_kept_as_long_as_it_says_and_as_its_tenants_retention_is() {
        assertThat(hoursKept("brief-a", 0)).isEqualTo(1);
        assertThat(hoursKept("lasting-a", 0)).isEqualTo(90 * 24);
        assertThat(hoursKept("brief-b", 5)).as("a commit before it has longer").isEqualTo(5);
        assertThat(hoursKept("lasting-b", 5)).as("it is written again").isEqualTo(90 * 24);
    }

    /** Without the log's purge bound. */
    private static long hoursKept(String tenant, int hours) {
        ConversationKey key = conversation(new TenantId(tenant));
        Commit commit = commit(1, "x");
        Commit said = commit.toBuilder()
                .setKeptUntilMs(
                        hours == 0
                                ? 0
                                : commit.getAtMs() + Duration.ofHours(hours).toMillis())
                .build();
        assertThat(store.append(key, said, 0)).isTrue();
        long bound = Duration.ofHours(24).toSeconds();
        String expires = item(key, "commit#0000000001")
                .getOrDefault("expires_at", NOTHING)
                .n();
        await().until(() -> !item(key, "meta").isEmpty());
        assertThat(item(key, "meta").getOrDefault("expires_at", NOTHING).n())
                .isEqualTo(Long.toString(Long.parseLong(expires) + bound));
        return (Long.parseLong(expires) - bound - commit.getAtMs() / 1000)
                / Duration.ofHours(1).toSeconds();
    }

    @Test
    void where_a_conversation_goes_on_is_told_when_its_commits_are_over_whatever_the_retention_is_by_then() {
        ConversationKey key = conversation(TENANT);
        long then = System.currentTimeMillis() - Duration.ofHours(30).toMillis();
        Commit commit = commit(1, "x").toBuilder().setAtMs(then).build();
        AtomicReference<Duration> retention = new AtomicReference<>(Duration.ofHours(1));
        try (DynamoThreadStore its = new DynamoThreadStore(
                DynamoConnection.open(server.endpoint().toString()), _ -> retention.get(), Clock.systemUTC())) {
            assertThat(its.append(key, commit, 0)).isTrue();
            await().until(() -> item(key, "meta").containsKey("last_number"));
            retention.set(Duration.ofDays(90));
            assertThat(its.read(key, 1, Look.CONSISTENT))
                    .singleElement()
                    .satisfies(left -> assertThat(left.getNumber()).isGreaterThan(1));
        }
    }

    @Test
    void a_commit_whose_text_was_deleted_first_has_expired_and_the_conversation_goes_on_after_it() {
        ConversationKey key = conversation(TENANT);
        append(key, 1);
        store.append(
                key,
                commit(2, "x".repeat(400_000)).toBuilder().setSequenceBefore(1).build(),
                0);
        String body =
                item(key, "commit#0000000002").getOrDefault("body", NOTHING).s();
        dynamo.deleteItem(request -> request.tableName("threads").key(id(key, "body#" + body + "#0")));

        List<Commit> left = store.read(key, 1, Look.CONSISTENT);
        assertThat(left).hasSize(1);
        assertThat(left.getFirst().getNumber()).isEqualTo(2);
        assertThat(left.getFirst().getSequenceBefore()).as("its slot is gone").isEqualTo(2);
        assertThat(left.getFirst().getChangesList()).isEmpty();

        Commit third = commit(3, "x").toBuilder().setSequenceBefore(2).build();
        assertThat(store.append(key, third, 0)).isTrue();
        assertThat(store.read(key, 1, Look.CONSISTENT)).containsExactly(left.getFirst(), third);
    }

    @Test
    void says_that_dynamodb_is_away_when_it_is_closed() {
        DynamoThreadStore closed = open(server);
        closed.close();
        assertThatThrownBy(() -> closed.append(conversation(TENANT), commit(1, "one"), 0))
                .isInstanceOf(StoreUnavailableException.class);
        assertThatThrownBy(() -> closed.recent(TENANT, Order.NEWEST_FIRST, 1, Optional.empty()))
                .isInstanceOf(StoreUnavailableException.class);
    }

    private static void expire(ConversationKey key, String sk) {
        dynamo.updateItem(request -> request.tableName("threads")
                .key(id(key, sk))
                .updateExpression("SET expires_at = :past")
                .expressionAttributeValues(Map.of(":past", AttributeValue.fromN("1000000"))));
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

    @Test
    void says_that_dynamodb_is_away_also_to_those_who_waited_for_a_connection() throws Exception {
        AtomicReference<DynamoDbClient> used = new AtomicReference<>(dynamo);
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                DynamoDbClient starved = DynamoClients.open(
                        "http://127.0.0.1:" + silent.getLocalPort(),
                        new CallBounds(1, Duration.ofMillis(300), Duration.ofMillis(1_200)));
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            DynamoThreadStore crowded = new DynamoThreadStore(switching(used), RETENTION, Clock.systemUTC());
            used.set(starved);
            List<Future<?>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                calls.add(callers.submit(crowded::check));
            }
            assertThat(calls)
                    .allSatisfy(
                            call -> assertThatThrownBy(call::get).hasCauseInstanceOf(StoreUnavailableException.class));
        }
    }

    private static DynamoDbClient switching(AtomicReference<DynamoDbClient> used) {
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (proxy, method, args) -> {
                    try {
                        return method.invoke(used.get(), args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static DynamoThreadStore open(LocalDynamo server) {
        return new DynamoThreadStore(DynamoConnection.open(server.endpoint().toString()), RETENTION, Clock.systemUTC());
    }

    private static Map<String, AttributeValue> item(ConversationKey key, String sk) {
        return dynamo.getItem(request -> request.tableName("threads").key(id(key, sk)))
                .item();
    }

    private static Map<String, AttributeValue> id(ConversationKey key, String sk) {
        return Map.of("pk", AttributeValue.fromS(key.toString()), "sk", AttributeValue.fromS(sk));
    }
}
