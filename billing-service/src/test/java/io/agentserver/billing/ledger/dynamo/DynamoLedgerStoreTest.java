package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LedgerStoreContract;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

class DynamoLedgerStoreTest extends LedgerStoreContract {
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();

    private final LedgerStore store = new DynamoLedgerStore(DYNAMO);

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

    @Test
    void a_slow_deletion_does_not_take_back_the_months_that_another_kept() {
        TenantId tenant = Calls.newTenant();
        PostingGroup march = call(tenant, "2026-03-14T12:00:00Z");
        PostingGroup may = call(tenant, "2026-05-01T12:00:00Z");
        store.post(tenant, List.of(march));
        AtomicInteger updates = new AtomicInteger();
        DynamoDbClient slow = (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, given) -> {
                    if (method.getName().equals("updateItem") && updates.incrementAndGet() == 2) {
                        store.post(tenant, List.of(may));
                        store.forgetUsage(tenant);
                    }
                    try {
                        return method.invoke(DYNAMO, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });

        new DynamoLedgerStore(slow).forgetUsage(tenant);

        assertThat(updates).hasValue(2);
        assertThat(store.list(tenant, Book.CALLS, LineOrder.OLDEST_FIRST, null, 9))
                .containsExactly(march, may);
    }

    private static PostingGroup call(TenantId tenant, String at) {
        return PostingGroup.of(Calls.call(tenant, Ids.v7(), Instant.parse(at), "m", null))
                .in(1);
    }

    @Test
    void a_table_that_is_there_stays() {
        assertThatCode(() -> LedgerTable.createIfAbsent(DYNAMO)).doesNotThrowAnyException();
    }

    /** DynamoDB restores into another table, whose items are the backup's. */
    @Test
    void a_restored_table_begins_another_era_and_once() {
        String before = store.era();
        DYNAMO.updateItem(request -> request.tableName(LedgerTable.NAME)
                .key(DynamoLedgerStore.key(LedgerTable.ERA, LedgerTable.ERA))
                .updateExpression("SET table_id = :other")
                .expressionAttributeValues(Map.of(":other", AttributeValue.fromS("the backed-up table's"))));

        String after = store.era();

        assertThat(after).isNotEqualTo(before);
        assertThat(new DynamoLedgerStore(DYNAMO).era()).isEqualTo(after);
    }

    @Test
    void a_table_of_an_older_version_gets_the_index() {
        DYNAMO.updateTable(request -> request.tableName(LedgerTable.NAME)
                .globalSecondaryIndexUpdates(u -> u.delete(d -> d.indexName(LedgerTable.BY_TIME))));
        await().until(() -> DYNAMO.describeTable(request -> request.tableName(LedgerTable.NAME))
                .table()
                .globalSecondaryIndexes()
                .isEmpty());

        LedgerTable.createIfAbsent(DYNAMO);

        assertThatMoneyIsListed();
    }
}
