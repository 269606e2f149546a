package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Deletes what has been kept for long enough: what old manifests name, and then those. No object is looked at that is not too old.
 * What there may be of deleted tenants goes too.
 */
final class BackupExpiry {
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
            TenantId tenant = new TenantId(folder);
            if (gone.contains(tenant)) {
                while (bucket.deleteSome(names.tenant(tenant)) > 0) {
                    // some more
                }
            } else {
                sweep(tenant);
            }
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
