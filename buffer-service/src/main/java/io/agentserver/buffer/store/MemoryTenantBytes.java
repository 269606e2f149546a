package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.time.Clock;

/** Where there is one process. Bytes count for as long as their tenant's were kept when they came. */
public final class MemoryTenantBytes implements TenantBytes {
    private final KeptAmounts amounts = new KeptAmounts();
    private final Retention retention;
    private final Clock clock;

    public MemoryTenantBytes(Retention retention, Clock clock) {
        this.retention = retention;
        this.clock = clock;
    }

    @Override
    public void add(TenantId tenant, long bytes) {
        amounts.add(tenant.value(), bytes, retention.of(tenant), clock.millis());
    }

    @Override
    public long kept(TenantId tenant) {
        return amounts.sum(tenant.value(), clock.millis());
    }
}
