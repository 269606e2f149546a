package io.agentserver.billing.ledger;

class MemoryMeterOutboxTest extends MeterOutboxContract {
    private final MemoryLedgerStore store = new MemoryLedgerStore();

    @Override
    protected LedgerStore store() {
        return store;
    }

    @Override
    protected LedgerStore pod() {
        return store;
    }

    @Override
    protected MeterOutbox outbox() {
        return store;
    }
}
