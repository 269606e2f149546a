package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MeterOutboxContract;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.TransactionConflictException;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

class DynamoMeterOutboxTest extends MeterOutboxContract {
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();

    private final LedgerStore store = new DynamoLedgerStore(DYNAMO);
    private final MeterOutbox outbox = new DynamoMeterOutbox(DYNAMO);

    @BeforeAll
    static void makeTable() {
        LedgerTable.createIfAbsent(DYNAMO);
    }

    @AfterAll
    static void close() {
        DYNAMO.close();
    }

    @Override
    protected LedgerStore store() {
        return store;
    }

    @Override
    protected LedgerStore pod() {
        return new DynamoLedgerStore(DYNAMO);
    }

    @Override
    protected MeterOutbox outbox() {
        return outbox;
    }

    /** A pod that posts, seals and tells dies at its n-th call of the store, before or after that is done; another goes on. */
    @Test
    void a_crash_at_any_call_loses_and_doubles_nothing() {
        for (boolean done : new boolean[] {false, true}) {
            boolean died = true;
            int call = 0;
            while (died) {
                call++;
                TenantId tenant = Calls.newTenant();
                List<PostingGroup> groups = List.of(call(tenant), call(tenant));
                DynamoDbClient dying = dyingAt(call, done);
                died = false;
                try {
                    postSealAndTell(groups, new DynamoLedgerStore(dying), new DynamoMeterOutbox(dying));
                } catch (Died e) {
                    died = true;
                }

                postSealAndTell(groups, pod(), outbox);

                assertThat(outbox.totals(tenant))
                        .as("died at call %d, done: %s", call, done)
                        .isEqualTo(new MeterOutbox.Totals(MicroUsd.ZERO, MicroUsd.ZERO, new MicroUsd(280)));
                assertThatEachBatchHasTheCallsThatNameIt(tenant);
            }
            assertThat(call).as("calls").isGreaterThan(8);
        }
    }

    @Test
    void what_a_crash_left_aside_is_written_down_by_whoever_seals_next() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        leaveAside(tenant);
        store.post(tenant, List.of(call(tenant), call(tenant)));
        assertThat(outbox.open(tenant))
                .isEqualTo(new MeterOutbox.Open(2, new MicroUsd(280), new MicroUsd(280), 1L, Calls.NOON));

        outbox.seal(tenant, Ids.v7(), Calls.NOON.plusSeconds(1));
        outbox.seal(tenant, Ids.v7(), Calls.NOON.plusSeconds(2));

        assertThat(sealed(tenant))
                .extracting(SealedBatch::number, SealedBatch::amount, SealedBatch::calls)
                .containsExactly(tuple(1L, new MicroUsd(140), 1L), tuple(2L, new MicroUsd(280), 2L));
        assertThat(outbox.open(tenant)).isEqualTo(new MeterOutbox.Open(3, MicroUsd.ZERO, MicroUsd.ZERO, null, null));
    }

    /** As DynamoDB has it where postings are never far apart; DynamoDB Local puts them one after another. */
    @Test
    void seals_and_confirms_though_postings_are_in_the_way() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        AtomicInteger updates = new AtomicInteger(5);
        AtomicInteger transactions = new AtomicInteger(5);
        MeterOutbox beside = new DynamoMeterOutbox(dynamo(method -> {
            if (method.equals("updateItem") && updates.getAndDecrement() > 0) {
                throw TransactionConflictException.builder().build();
            }
            if (method.equals("transactWriteItems") && transactions.getAndDecrement() > 0) {
                throw cancelled("TransactionConflict", "None", "None");
            }
        }));

        beside.seal(tenant, Ids.v7(), Calls.NOON);
        assertThat(outbox.totals(tenant).pending()).isEqualTo(new MicroUsd(140));
        transactions.set(5);
        beside.told(outbox.pending(tenant).getFirst());

        assertThat(outbox.totals(tenant).told()).isEqualTo(new MicroUsd(140));
    }

    @Test
    void a_batch_whose_number_is_taken_is_not_taken_for_one_that_another_wrote_down() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        outbox.seal(tenant, Ids.v7(), Calls.NOON);
        DYNAMO.updateItem(request -> request.tableName(LedgerTable.NAME) // as of an older copy
                .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                .updateExpression("SET meter_batch = :one")
                .expressionAttributeValues(Map.of(":one", LedgerItems.number(1))));
        pod().post(tenant, List.of(call(tenant)));

        assertThatThrownBy(() -> outbox.seal(tenant, Ids.v7(), Calls.NOON))
                .hasMessageStartingWith("batch 1 of " + tenant + " is moved aside, but its number is taken");
    }

    /** DynamoDB says of each item why it was refused, and beside a transaction that is just being done these do not fit together. */
    @Test
    void a_batch_that_another_is_writing_down_is_not_taken_for_one_whose_number_is_taken() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        AtomicInteger transactions = new AtomicInteger();
        MeterOutbox slow = new DynamoMeterOutbox(dynamo(method -> {
            if (method.equals("transactWriteItems") && transactions.getAndIncrement() == 0) {
                outbox.seal(tenant, Ids.v7(), Calls.NOON);
                throw cancelled("TransactionConflict", "None", "ConditionalCheckFailed", "None");
            }
        }));

        slow.seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(transactions).hasValue(2);
        assertThat(sealed(tenant)).hasSize(1);
        assertThat(outbox.totals(tenant).pending()).isEqualTo(new MicroUsd(140));
    }

    @Test
    void a_batch_that_another_wrote_down_meanwhile_is_no_failure() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        MeterOutbox slow = new DynamoMeterOutbox(dynamo(method -> {
            if (method.equals("transactWriteItems")) {
                outbox.seal(tenant, Ids.v7(), Calls.NOON);
            }
        }));

        slow.seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(sealed(tenant)).hasSize(1);
        assertThat(outbox.totals(tenant).pending()).isEqualTo(new MicroUsd(140));
    }

    @Test
    void calls_that_an_older_version_posts_are_told_and_name_no_batch() {
        TenantId tenant = Calls.newTenant();
        PostingGroup old = postAsAnOlderVersion(tenant);
        outbox.seal(tenant, Ids.v7(), Calls.NOON);
        PostingGroup another = postAsAnOlderVersion(tenant);
        PostingGroup call = call(tenant);
        store.post(tenant, List.of(call));
        outbox.seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(store.find(old.id()).orElseThrow().batch()).isNull();
        assertThat(store.find(another.id()).orElseThrow().batch()).isNull();
        assertThat(store.find(call.id())).contains(call.in(2));
        assertThat(sealed(tenant))
                .extracting(SealedBatch::amount, SealedBatch::named, SealedBatch::calls, SealedBatch::isWhole)
                .containsExactly(
                        tuple(new MicroUsd(140), MicroUsd.ZERO, 0L, false),
                        tuple(new MicroUsd(280), new MicroUsd(140), 1L, false));
        assertThat(outbox.totals(tenant).pending()).isEqualTo(new MicroUsd(420));
    }

    @Test
    void what_an_older_version_seals_is_told_once() {
        TenantId tenant = Calls.newTenant();
        store.post(tenant, List.of(call(tenant)));
        sealAsAnOlderVersion(tenant);
        outbox.seal(tenant, Ids.v7(), Calls.NOON);
        assertThat(sealed(tenant)).as("nothing is left to tell").isEmpty();

        store.post(tenant, List.of(call(tenant)));
        outbox.seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(sealed(tenant))
                .extracting(SealedBatch::amount, SealedBatch::named, SealedBatch::calls)
                .containsExactly(tuple(new MicroUsd(140), new MicroUsd(280), 2L));
        assertThat(outbox.totals(tenant))
                .isEqualTo(new MeterOutbox.Totals(MicroUsd.ZERO, new MicroUsd(280), MicroUsd.ZERO));
    }

    private static void leaveAside(TenantId tenant) {
        MeterOutbox dying = new DynamoMeterOutbox(dynamo(method -> {
            if (method.equals("transactWriteItems")) {
                throw new Died();
            }
        }));
        assertThatThrownBy(() -> dying.seal(tenant, Ids.v7(), Calls.NOON)).isInstanceOf(Died.class);
    }

    private static TransactionCanceledException cancelled(String... codes) {
        return TransactionCanceledException.builder()
                .cancellationReasons(Stream.of(codes)
                        .map(code -> CancellationReason.builder().code(code).build())
                        .toList())
                .build();
    }

    /** @param before is told of each call by its name, before that is done */
    private static DynamoDbClient dynamo(Consumer<String> before) {
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, given) -> {
                    before.accept(method.getName());
                    try {
                        return method.invoke(DYNAMO, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static PostingGroup call(TenantId tenant) {
        return PostingGroup.of(Calls.call(tenant, Ids.v7()));
    }

    private static void postSealAndTell(List<PostingGroup> groups, LedgerStore pod, MeterOutbox own) {
        TenantId tenant = groups.getFirst().tenant();
        pod.post(tenant, groups);
        own.seal(tenant, Ids.v7(), Calls.NOON);
        for (MeterBatch batch : own.pending(tenant)) {
            own.tried(batch, Calls.NOON);
            own.told(batch);
        }
    }

    private List<SealedBatch> sealed(TenantId tenant) {
        List<SealedBatch> all = new ArrayList<>();
        outbox.forEachSealed(tenant, all::add);
        return all;
    }

    /** As it did before batches had numbers. */
    private static PostingGroup postAsAnOlderVersion(TenantId tenant) {
        PostingGroup group = call(tenant);
        DYNAMO.transactWriteItems(request -> request.transactItems(
                TransactWriteItem.builder()
                        .put(put -> put.tableName(LedgerTable.NAME).item(LedgerItems.ofGroup(group)))
                        .build(),
                addToBalance(tenant, "ADD credit_microusd :less, version :one, unmetered_microusd :used", 140)));
        return group;
    }

    private static void sealAsAnOlderVersion(TenantId tenant) {
        UUID id = UUID.randomUUID();
        Map<String, AttributeValue> batch = new HashMap<>(
                LedgerItems.ofMeterBatch(new MeterBatch(id, tenant, Calls.NOON, new MicroUsd(140), null)));
        batch.putAll(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), "meter#" + Calls.NOON + "#" + id));
        DYNAMO.transactWriteItems(request -> request.transactItems(
                TransactWriteItem.builder()
                        .put(put -> put.tableName(LedgerTable.NAME).item(batch))
                        .build(),
                TransactWriteItem.builder()
                        .update(update -> update.tableName(LedgerTable.NAME)
                                .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                                .conditionExpression("unmetered_microusd >= :open")
                                .updateExpression("ADD unmetered_microusd :less")
                                .expressionAttributeValues(
                                        Map.of(":open", LedgerItems.number(140), ":less", LedgerItems.number(-140))))
                        .build()));
    }

    private static TransactWriteItem addToBalance(TenantId tenant, String expression, long used) {
        return TransactWriteItem.builder()
                .update(update -> update.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                        .updateExpression(expression)
                        .expressionAttributeValues(Map.of(
                                ":less",
                                LedgerItems.number(-used),
                                ":used",
                                LedgerItems.number(used),
                                ":one",
                                LedgerItems.number(1))))
                .build();
    }

    private static final class Died extends RuntimeException {}

    private static DynamoDbClient dyingAt(int last, boolean done) {
        AtomicInteger calls = new AtomicInteger();
        return (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, given) -> {
                    boolean dies = calls.incrementAndGet() == last;
                    if (dies && !done) {
                        throw new Died();
                    }
                    Object answer;
                    try {
                        answer = method.invoke(DYNAMO, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    if (dies) {
                        throw new Died();
                    }
                    return answer;
                });
    }
}
