package io.agentserver.buffer;

import io.agentserver.buffer.backup.Backup;
import io.agentserver.buffer.backup.BackupErasure;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;

import java.util.Optional;

/**
 * What the buffer keeps things in. The thread store's connections are the others' too: closing it closes all.
 *
 * @param due what has to be looked at when, and {@code leases} on its shards
 * @param prunes which conversations hold what closed threads have left, and {@code sweeps}, the leases on its shards
 * @param tenantBytes how much each tenant has
 * @param erasure forgets a tenant, in all of them
 * @param backup of all conversations; empty: no bucket is set
 */
record Stores(
        ThreadStore threads,
        DueStore due,
        Leases leases,
        DueStore prunes,
        Leases sweeps,
        TenantBytes tenantBytes,
        TenantErasure erasure,
        Optional<Backup> backup) {
    /** What the journal writes into. */
    ThreadStore journalled() {
        return backup.map(its -> its.over(threads)).orElse(threads);
    }

    BackupErasure backups() {
        return backup.isPresent() ? backup.get() : BackupErasure.NO_BACKUP;
    }
}
