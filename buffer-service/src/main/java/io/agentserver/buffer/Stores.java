package io.agentserver.buffer;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;

/**
 * What the buffer keeps things in. The thread store's connections are the others' too: closing it closes all.
 *
 * @param due what has to be looked at when, and {@code leases} on its shards
 * @param prunes which conversations hold what closed threads have left, and {@code sweeps}, the leases on its shards
 * @param tenantBytes how much each tenant has
 * @param erasure forgets a tenant, in all of them
 */
record Stores(
        ThreadStore threads,
        DueStore due,
        Leases leases,
        DueStore prunes,
        Leases sweeps,
        TenantBytes tenantBytes,
        TenantErasure erasure) {}
