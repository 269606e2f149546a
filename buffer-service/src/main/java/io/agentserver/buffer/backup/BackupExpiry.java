package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Deletes what has been kept for long enough: what old manifests name, and then those. No object is looked at that is not too old.
 * What there may be of deleted tenants goes too.
 */
final class BackupExpiry {
    private static final Logger log = LoggerFactory.getLogger(BackupExpiry.class);

    private final BackupBucket bucket;
    private final BackupNames names;
    private final TenantErasure deleted;
    private final BackupTimes times;
    private final Clock clock;

    BackupExpiry(BackupBucket bucket, BackupNames names, TenantErasure deleted, BackupTimes times, Clock clock) {
        this.bucket = bucket;
        this.names = names;
        this.deleted = deleted;
        this.times = times;
        this.clock = clock;
    }

    void sweep() {
        Set<TenantId> gone = deleted.marked();
        for (String folder : bucket.folders(names.tenants())) {
            try {
                BackupNames.tenantOf(folder).ifPresent(tenant -> sweep(tenant, gone.contains(tenant)));
            } catch (BrokenBackupException | UndeletableException e) {
                log.warn("what is too old of {} stays in the backup, the others' goes: {}", folder, e.getMessage());
            }
        }
    }

    private void sweep(TenantId tenant, boolean gone) {
        if (gone) {
            while (bucket.deleteSome(names.tenant(tenant)) > 0) {
                // some more
            }
        } else {
            sweep(tenant);
        }
    }

    private void sweep(TenantId tenant) {
        String end = names.manifestsBefore(tenant, clock.millis() - times.kept().toMillis());
        List<String> old = new ArrayList<>();
        bucket.each(
                names.manifests(tenant),
                (Listed manifest) -> manifest.key().compareTo(end) < 0 && old.add(manifest.key()));
        for (String key : old) {
            bucket.get(key)
                    .ifPresent(json -> bucket.delete(Manifest.ofJson(key, json).objects().stream()
                            .map(named -> names.conversations(tenant) + named.name())
                            .toList()));
            bucket.delete(List.of(key));
        }
    }
}
