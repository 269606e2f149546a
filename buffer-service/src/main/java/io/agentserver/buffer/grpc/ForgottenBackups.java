package io.agentserver.buffer.grpc;

import io.agentserver.buffer.backup.BackupErasure;
import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.DeletedTenants;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.v1.EraseReply;
import io.agentserver.buffer.v1.EraseTenantReply;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.time.Duration;

/** Erases conversations that may be in the backup alone, and a deleted tenant's backup. */
public final class ForgottenBackups {
    private static final Duration LONGEST = Duration.ofSeconds(2);

    private final ConversationJournal journal;
    private final DeletedTenants deleted;
    private final BackupErasure backups;
    private final Clock clock;

    public ForgottenBackups(ConversationJournal journal, DeletedTenants deleted, BackupErasure backups, Clock clock) {
        this.journal = journal;
        this.deleted = deleted;
        this.backups = backups;
        this.clock = clock;
    }

    /**
     * The journal's own erasure takes the backup with it, now or as soon as the bucket is there. What the journal no longer has is
     * erased in the backup, or the call fails, to be repeated.
     */
    EraseReply erase(ConversationKey key) {
        EraseReply reply = journal.erase(key);
        if (reply.getFound() || !backups.erase(key, clock.millis())) {
            return reply;
        }
        journal.erase(key); // a restore may have been bringing it back just then
        return EraseReply.newBuilder().setFound(true).build();
    }

    /** Some seconds' work. */
    EraseTenantReply eraseSome(TenantId tenant) {
        deleted.refuse(tenant);
        long begun = System.nanoTime();
        long freed = 0;
        long some;
        do {
            some = backups.eraseSome(tenant);
            freed += some;
        } while (some > 0 && System.nanoTime() - begun < LONGEST.toNanos());
        return EraseTenantReply.newBuilder().setFreed(freed).build();
    }
}
