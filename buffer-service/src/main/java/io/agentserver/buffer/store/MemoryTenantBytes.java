package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.time.Duration;

/** Where there is one process. */
public final class MemoryTenantBytes implements TenantBytes {
    private final KeptAmounts amounts;
    private final Clock clock;

    public MemoryTenantBytes(Duration ttl, Clock clock) {
        this.amounts = new KeptAmounts(ttl);
        this.clock = clock;
    }

    @Override
    public void add(TenantId tenant, long bytes) {
        amounts.add(tenant.value(), bytes, clock.millis());
    }

    @Override
    public long kept(TenantId tenant) {
        return amounts.sum(tenant.value(), clock.millis());
    }
}
