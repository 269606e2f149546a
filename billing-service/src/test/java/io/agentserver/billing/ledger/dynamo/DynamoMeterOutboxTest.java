package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.TestStores;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MeterOutboxContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

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
    protected MeterOutbox outbox() {
        return outbox;
    }
}
