package io.agentserver.buffer.store;

import java.time.Clock;
import java.time.Duration;

class MemoryTenantErasureTest extends TenantErasureContract {
    private final MemoryThreadStore threads =
            new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), Clock.systemUTC());
    private final MemoryDueStore due = new MemoryDueStore();
    private final TenantErasure erasure = new MemoryTenantErasure(threads, due);

    @Override
    protected ThreadStore threads() {
        return threads;
    }

    @Override
    protected DueStore due() {
        return due;
    }

    @Override
    protected TenantErasure erasure() {
        return erasure;
    }
}
