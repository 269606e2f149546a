package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LedgerStoreContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

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
    void a_table_that_is_there_stays() {
        assertThatCode(() -> LedgerTable.createIfAbsent(DYNAMO)).doesNotThrowAnyException();
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
