package io.agentserver.buffer.store;

import java.time.Clock;

class MemoryThreadStoreTest extends ThreadStoreContract {
    private final ThreadStore store = new MemoryThreadStore(RETENTION, Clock.systemUTC());

    @Override
    protected ThreadStore store() {
        return store;
    }
}
