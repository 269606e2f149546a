package io.agentserver.sealing;

import com.github.benmanes.caffeine.cache.Scheduler;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DynamoTenantKeysTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-30T12:00:00Z"), ZoneOffset.UTC);
    private static final List<String> BOUND = List.of("a test");
    private static final byte[] VALUE = "value".getBytes(StandardCharsets.UTF_8);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private static Path directory;

    @SuppressWarnings("NullAway.Init")
    private static LocalDynamo server;

    @SuppressWarnings("NullAway.Init")
    private static DynamoDbClient dynamo;

    private final TenantId tenant =
            new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));
    private final PlatformFile platform = new PlatformFile(directory);
    private final DynamoTenantKeys keys = keys(platform.all());
    private long nanos;

    @BeforeAll
    static void start() {
        server = LocalDynamo.inMemory(0);
        dynamo = DynamoClients.open(
                server.endpoint().toString(), new CallBounds(64, Duration.ofSeconds(10), Duration.ofSeconds(20)));
    }

    @AfterAll
    static void stop() {
        dynamo.close();
        server.close();
    }

    @BeforeEach
    void a_table() {
        keys.createIfAbsent();
        keys.createIfAbsent();
    }

    @Test
    void a_tenant_has_a_key_when_it_is_asked_for_and_keeps_it() {
        assertThat(keys.find(tenant, "0000000001")).isEmpty();
        TenantKey made = keys.current(tenant).orElseThrow();
        byte[] sealed = made.seal(VALUE, BOUND);

        DynamoTenantKeys elsewhere = keys(platform.all());
        assertThat(elsewhere.current(tenant).orElseThrow().id()).isEqualTo(made.id());
        assertThat(elsewhere.find(tenant, made.id()).orElseThrow().open(sealed, BOUND))
                .hasValue(VALUE);
        assertThat(elsewhere.find(new TenantId("x" + tenant), made.id())).isEmpty();
        assertThat(items()).hasSize(1);
    }

    /** The bytes of the table alone open nothing, and say nothing of the key. */
    @Test
    void the_table_has_what_is_wrapped_its_kid_and_its_day() {
        keys.current(tenant);
        Map<String, AttributeValue> item = items().getFirst();
        assertThat(item.keySet()).containsExactlyInAnyOrder("pk", "sk", "wrapped", "kid", "created_at");
        assertThat(item.get("kid"))
                .isEqualTo(AttributeValue.fromS(platform.all().signing().kid()));
        assertThat(item.get("created_at")).isEqualTo(AttributeValue.fromS("2026-11-30T12:00:00Z"));
    }

    @Test
    void gateways_that_make_a_key_at_once_all_get_the_same() throws Exception {
        for (int round = 0; round < 10; round++) {
            TenantId one = new TenantId(tenant + "-" + round);
            List<Callable<TenantKey>> gateways = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                DynamoTenantKeys gateway = keys(platform.all());
                gateways.add(() -> gateway.current(one).orElseThrow());
            }
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<TenantKey>> made = threads.invokeAll(gateways);
                byte[] sealed = made.getFirst().get().seal(VALUE, BOUND);
                for (Future<TenantKey> key : made) {
                    assertThat(key.get().open(sealed, BOUND)).hasValue(VALUE);
                }
            }
        }
    }

    @Test
    void what_was_sealed_before_a_rotation_opens_after_it_and_when_the_old_key_is_gone() {
        TenantKey made = keys.current(tenant).orElseThrow();
        byte[] sealed = made.seal(VALUE, BOUND);
        DynamoTenantKeys rotated = keys(platform.rotate());
        assertThat(rotated.find(tenant, made.id()).orElseThrow().open(sealed, BOUND))
                .hasValue(VALUE);

        assertThat(rotated.rewrap(tenant)).isEqualTo(1);
        assertThat(rotated.rewrap(tenant)).isZero();

        DynamoTenantKeys without = keys(platform.forgetTheOld());
        assertThat(without.find(tenant, made.id()).orElseThrow().open(sealed, BOUND))
                .hasValue(VALUE);
        assertThat(without.current(tenant).orElseThrow().id()).isEqualTo(made.id());
    }

    @Test
    void a_key_whose_platform_key_is_gone_is_never_taken_for_destroyed() {
        TenantKey old = keys.current(tenant).orElseThrow();
        String kid = platform.all().signing().kid();
        platform.rotate();
        DynamoTenantKeys without = keys(platform.forgetTheOld());
        assertThatThrownBy(() -> without.find(tenant, old.id()))
                .isInstanceOf(KeysUnavailableException.class)
                .hasMessageContaining(kid);
        assertThatThrownBy(() -> without.rewrap(tenant))
                .isInstanceOf(KeysUnavailableException.class)
                .hasMessageContaining(kid);

        TenantKey fresh = without.current(tenant).orElseThrow();
        assertThat(fresh.id()).as("what is new must not wait").isGreaterThan(old.id());
        assertThat(without.find(tenant, fresh.id())).isPresent();
        assertThat(keys.find(tenant, old.id())).as("it is there still").isPresent();
    }

    @Test
    void a_wrapped_key_that_was_moved_to_another_tenant_does_not_open_there() {
        TenantKey made = keys.current(tenant).orElseThrow();
        TenantId evil = new TenantId("x" + tenant);
        Map<String, AttributeValue> moved = new HashMap<>(items().getFirst());
        moved.put("pk", AttributeValue.fromS(evil.value()));
        dynamo.putItem(b -> b.tableName("tenant-keys").item(moved));
        assertThatThrownBy(() -> keys.find(evil, made.id())).isInstanceOf(KeysUnavailableException.class);
    }

    @Test
    void what_was_destroyed_is_gone_for_good() {
        TenantKey made = keys.current(tenant).orElseThrow();
        put(tenant, "0000000002", items().getFirst());
        TenantId other = new TenantId("x" + tenant);
        keys.current(other);

        assertThat(keys.destroy(tenant)).isEqualTo(2);
        assertThat(keys.destroy(tenant)).as("looked through again").isZero();

        assertThat(keys.find(tenant, made.id())).isEmpty();
        assertThat(keys.current(tenant)).isEmpty();
        assertThat(keys(platform.rotate()).current(tenant)).isEmpty();
        assertThat(keys.rewrap(tenant)).isZero();
        assertThat(items()).singleElement().satisfies(item -> {
            assertThat(item.get("sk")).isEqualTo(AttributeValue.fromS("destroyed"));
            assertThat(item).doesNotContainKey("wrapped");
        });
        assertThat(keys.current(other)).isPresent();
    }

    /** As one that stood still in the middle of it: it has looked, and found neither a key nor that there is to be none. */
    @Test
    void who_makes_a_key_while_they_are_destroyed_leaves_none() {
        DynamoTenantKeys slow = new DynamoTenantKeys(
                before(
                        "transactWriteItems",
                        () -> assertThat(keys.destroy(tenant)).isZero()),
                platform.all(),
                CLOCK);
        assertThat(slow.current(tenant)).isEmpty();
        assertThat(keys.destroy(tenant)).as("a late look finds nothing").isZero();
    }

    @Test
    void who_wraps_a_key_anew_while_it_is_destroyed_does_not_bring_it_back() {
        keys.current(tenant);
        DynamoTenantKeys slow = new DynamoTenantKeys(
                before("updateItem", () -> assertThat(keys.destroy(tenant)).isEqualTo(1)), platform.rotate(), CLOCK);
        assertThat(slow.rewrap(tenant)).isZero();
        assertThat(keys.destroy(tenant)).isZero();
    }

    /** Of two that write at once the second one looks again. */
    @Test
    void who_was_too_late_with_a_key_takes_the_other_s() {
        List<TenantKey> first = new ArrayList<>();
        DynamoTenantKeys slow = new DynamoTenantKeys(
                before(
                        "transactWriteItems",
                        () -> first.add(keys.current(tenant).orElseThrow())),
                platform.all(),
                CLOCK);
        byte[] sealed = slow.current(tenant).orElseThrow().seal(VALUE, BOUND);
        assertThat(first.getFirst().open(sealed, BOUND)).hasValue(VALUE);
        assertThat(items()).hasSize(1);
    }

    /** The connection, and what happens before its first call of a name. */
    private static DynamoDbClient before(String call, Runnable happens) {
        AtomicBoolean happened = new AtomicBoolean();
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoTenantKeysTest.class.getClassLoader(),
                new Class<?>[] {DynamoDbClient.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals(call) && !happened.getAndSet(true)) {
                        happens.run();
                    }
                    try {
                        return method.invoke(dynamo, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void a_key_leaves_the_memory_after_a_minute_though_nobody_asks_for_one() throws InterruptedException {
        keys.current(tenant);
        BlockingQueue<Runnable> scheduled = new LinkedBlockingQueue<>();
        DynamoTenantKeys quiet =
                new DynamoTenantKeys(dynamo, platform.all(), CLOCK, () -> nanos, (executor, command, delay, unit) -> {
                    assertThat(unit.toSeconds(delay)).isBetween(0L, 62L);
                    scheduled.add(command);
                    return new CompletableFuture<>();
                });
        quiet.find(tenant, "0000000001");
        Runnable clearing = scheduled.poll(30, TimeUnit.SECONDS);
        assertThat(clearing).isNotNull();
        assertThat(quiet.open()).isOne();

        nanos += Duration.ofSeconds(61).toNanos();
        clearing.run();

        assertThat(quiet.open()).isZero();
    }

    @Test
    void more_keys_than_one_answer_holds_are_destroyed() {
        Map<String, AttributeValue> large = new HashMap<>();
        large.put("wrapped", AttributeValue.fromB(SdkBytes.fromByteArray(new byte[300_000])));
        large.put("kid", AttributeValue.fromS("k"));
        for (int i = 1; i <= 8; i++) { // a page has 1 MB
            put(tenant, "%010d".formatted(i), large);
        }
        assertThat(keys.destroy(tenant)).isEqualTo(8);
        assertThat(items()).hasSize(1);
    }

    @Test
    void a_key_that_was_found_is_kept_for_a_minute_at_most_and_an_absent_one_not_at_all() {
        DynamoTenantKeys reader = keys(platform.all());
        assertThat(reader.find(tenant, "0000000001")).isEmpty();
        String id = keys.current(tenant).orElseThrow().id();
        assertThat(reader.find(tenant, id)).isPresent();
        keys.destroy(tenant);
        nanos += Duration.ofSeconds(59).toNanos();
        assertThat(reader.find(tenant, id)).isPresent();
        nanos += Duration.ofSeconds(2).toNanos();
        assertThat(reader.find(tenant, id)).isEmpty();
    }

    @Test
    void a_table_that_is_away_is_said_so() {
        try (DynamoDbClient nobody = DynamoClients.open(
                "http://127.0.0.1:1", new CallBounds(1, Duration.ofMillis(500), Duration.ofSeconds(1)))) {
            DynamoTenantKeys away = new DynamoTenantKeys(nobody, platform.all(), CLOCK);
            assertThatThrownBy(() -> away.find(tenant, "1")).isInstanceOf(KeysUnavailableException.class);
            assertThatThrownBy(() -> away.current(tenant)).isInstanceOf(KeysUnavailableException.class);
            assertThatThrownBy(() -> away.destroy(tenant)).isInstanceOf(KeysUnavailableException.class);
            assertThatThrownBy(() -> away.rewrap(tenant)).isInstanceOf(KeysUnavailableException.class);
        }
    }

    private DynamoTenantKeys keys(PlatformKeys of) {
        return new DynamoTenantKeys(dynamo, of, CLOCK, () -> nanos, Scheduler.disabledScheduler());
    }

    private static void put(TenantId of, String id, Map<String, AttributeValue> like) {
        Map<String, AttributeValue> item = new HashMap<>(like);
        item.put("pk", AttributeValue.fromS(of.value()));
        item.put("sk", AttributeValue.fromS(id));
        dynamo.putItem(b -> b.tableName("tenant-keys").item(item));
    }

    private List<Map<String, AttributeValue>> items() {
        return dynamo
                .queryPaginator(b -> b.tableName("tenant-keys")
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(tenant.value()))))
                .items()
                .stream()
                .toList();
    }
}
