package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.envelope.TenantId;

import java.time.Duration;

/**
 * How long a tenant's conversations are kept after their last activity. It is asked each time, for it may change: readers lose at
 * once what is past a shorter one; stores keep what they have for as long as they were told when it was written. Safe on any
 * thread; does not block.
 */
@FunctionalInterface
public interface Retention {
    /** @throws StoreUnavailableException if that is not known yet: nothing may be written, hidden or pruned by a guess */
    Duration of(TenantId tenant);

    /** The same for all. */
    static Retention ofAll(Duration time) {
        return _ -> time;
    }

    /** What was made before is hidden from readers. */
    default long oldestVisibleMs(TenantId tenant, long nowMs) {
        return nowMs - of(tenant).toMillis();
    }

    /**
     * Until when a store keeps a commit, at least: as long as it was said when it was written, so that none goes before its
     * predecessors, who may have been given longer; and as long as it is said now, should it be written again from a backup.
     */
    default long keptUntilMs(TenantId tenant, Commit commit) {
        return Math.max(commit.getKeptUntilMs(), commit.getAtMs() + of(tenant).toMillis());
    }
}
