package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LedgerStoreContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import static org.assertj.core.api.Assertions.assertThatCode;

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
}
