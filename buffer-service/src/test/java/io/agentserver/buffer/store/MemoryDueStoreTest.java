package io.agentserver.buffer.store;

class MemoryDueStoreTest extends DueStoreContract {
    private final DueStore store = new MemoryDueStore();

    @Override
    protected DueStore store() {
        return store;
    }
}
