package io.agentserver.billing.ledger;

class MemoryLedgerStoreTest extends LedgerStoreContract {
    private final LedgerStore store = new MemoryLedgerStore();

    @Override
    protected LedgerStore store() {
        return store;
    }
}
