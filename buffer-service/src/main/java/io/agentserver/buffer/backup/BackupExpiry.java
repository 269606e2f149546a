package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Deletes what has been kept for long enough: what old manifests name, and then those. How old they are the bucket's own clock
 * says, which also wrote when they were put; if this process's differs from it by more than an hour one of the two is wrong, and
 * nothing goes for its age. What there may be of deleted tenants goes too, but not at once: what is there when one is deleted its
 * deletion deletes, and counts.
 */
final class BackupExpiry {
    private static final Logger log = LoggerFactory.getLogger(BackupExpiry.class);

    private static final Duration MOST_SKEW = Duration.ofHours(1);
    /** Manifests' names have times of the processes that put them; so far they may be from the bucket's. */
    private static final Duration NAMES_SKEW = Duration.ofHours(3);

    /** By then a tenant's deletion, which tries again every few seconds, has been through the bucket. */
    private static final Duration OF_ITS_DELETION = Duration.ofHours(1);

    private static final byte[] NOTHING = new byte[0];

    private final BackupBucket bucket;
    private final BackupNames names;
    private final TenantErasure deleted;
    private final BackupTimes times;
    private final BackupProgress progress;
    private final Clock clock;

    BackupExpiry(
            BackupBucket bucket,
            BackupNames names,
            TenantErasure deleted,
            BackupTimes times,
            BackupProgress progress,
            Clock clock) {
        this.bucket = bucket;
        this.names = names;
        this.deleted = deleted;
        this.times = times;
        this.progress = progress;
        this.clock = clock;
    }

    void sweep() {
        boolean all = false;
        try {
            all = sweepAll();
        } finally {
            progress.expiryFailing(!all);
        }
    }

    /** False: something stays that is to go. */
    private boolean sweepAll() {
        Set<TenantId> gone = deleted.marked();
        Set<TenantId> going = deleted.marks(clock.millis() - OF_ITS_DELETION.toMillis()).stream()
                .map(TenantErasure.Mark::tenant)
                .collect(Collectors.toUnmodifiableSet());
        long nowMs = bucketMs();
        Duration skew = Duration.ofMillis(nowMs - clock.millis());
        boolean agreed = skew.abs().compareTo(MOST_SKEW) <= 0;
        if (!agreed) {
            log.warn("nothing that is too old goes from the backup: the bucket's clock differs from ours by {}", skew);
        }
        boolean all = agreed;
        for (String folder : bucket.folders(names.tenants())) {
            Optional<TenantId> tenant = BackupNames.tenantOf(folder);
            try {
                if (tenant.isEmpty() || going.contains(tenant.get())) {
                    continue;
                }
                if (gone.contains(tenant.get())) {
                    sweepGone(tenant.get());
                } else if (agreed) {
                    sweep(tenant.get(), nowMs - times.kept().toMillis());
                }
            } catch (BrokenBackupException | UndeletableException e) {
                log.warn("what is too old of {} stays in the backup, the others' goes: {}", folder, e.getMessage());
                all = false;
            }
        }
        return all;
    }

    /** When an object was put that is put now. */
    private long bucketMs() {
        bucket.put(names.clock(), NOTHING, Sha256.hex(NOTHING));
        long[] ms = {0};
        bucket.each(names.clock(), (Listed object) -> {
            ms[0] = object.modifiedMs();
            return false;
        });
        try {
            bucket.delete(List.of(names.clock())); // in a bucket that keeps versions each would be one more
        } catch (UndeletableException locked) {
            log.debug("an empty object more: {}", locked.getMessage());
        }
        return ms[0];
    }

    private void sweepGone(TenantId tenant) {
        while (bucket.deleteSome(names.tenant(tenant)) > 0) {
            // some more
        }
    }

    private void sweep(TenantId tenant, long oldestMs) {
        String end = names.manifestsBefore(tenant, oldestMs + NAMES_SKEW.toMillis());
        List<String> old = new ArrayList<>();
        bucket.each(names.manifests(tenant), (Listed manifest) -> {
            if (manifest.modifiedMs() < oldestMs) {
                old.add(manifest.key());
            }
            return manifest.key().compareTo(end) < 0;
        });
        for (String key : old) {
            bucket.get(key)
                    .ifPresent(json -> bucket.delete(Manifest.ofJson(key, json).objects().stream()
                            .map(named -> names.conversations(tenant) + named.name())
                            .toList()));
            bucket.delete(List.of(key));
        }
    }
}
