package io.agentserver.buffer.store;

import java.time.Clock;
import java.time.Duration;

class MemoryThreadStoreTest extends ThreadStoreContract {
    private final ThreadStore store = new MemoryThreadStore(Duration.ofHours(24), Clock.systemUTC());

    @Override
    protected ThreadStore store() {
        return store;
    }
}
