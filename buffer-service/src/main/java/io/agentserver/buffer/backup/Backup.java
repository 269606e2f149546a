package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** The backup of all conversations in one bucket, and its parts. Safe on any thread. */
public final class Backup implements BackupErasure, AutoCloseable {
    private final BackupBucket bucket;
    private final BackupNames names;
    private final ThreadStore whole;
    private final DueStore index;
    private final Leases leases;
    private final TenantErasure deleted;
    private final BackupTimes times;
    private final StoreClock clock;
    private final Clock own;
    private final LongSupplier nanoTime;
    private final ConversationBackups conversations;
    private final BackupProgress progress = new BackupProgress();

    /**
     * @param bucket closed with this
     * @param whole the store that has everything
     * @param index by shard, of conversations that have changed; for nothing else
     * @param leases on its shards; by their clock entries of the index are due
     */
    public Backup(
            BackupBucket bucket,
            BackupNames names,
            ThreadStore whole,
            DueStore index,
            Leases leases,
            TenantErasure deleted,
            BackupTimes times,
            Clock clock) {
        this(bucket, names, whole, index, leases, deleted, times, clock, System::nanoTime);
    }

    Backup(
            BackupBucket bucket,
            BackupNames names,
            ThreadStore whole,
            DueStore index,
            Leases leases,
            TenantErasure deleted,
            BackupTimes times,
            Clock own,
            LongSupplier nanoTime) {
        this.bucket = bucket;
        this.names = names;
        this.whole = whole;
        this.index = index;
        this.leases = leases;
        this.deleted = deleted;
        this.times = times;
        this.clock = new StoreClock(leases, own, nanoTime);
        this.own = own;
        this.nanoTime = nanoTime;
        this.conversations = new ConversationBackups(bucket, names, whole);
    }

    /** A store whose changes are backed up, and whose erasures are the backup's too. */
    public ThreadStore over(ThreadStore store) {
        return new BackedUpThreadStore(store, index, conversations, times, clock, own);
    }

    /** What keeps it up to date. */
    public BackupRuns runs() {
        return new BackupRuns(
                conversations, bucket, names, index, leases, deleted, times, progress, clock, own, nanoTime);
    }

    public BackupProgress progress() {
        return progress;
    }

    /** Of one that only the backup has: a run looks at it once more, and says when its mark may go. */
    @Override
    public boolean erase(ConversationKey key, long atMs) {
        if (conversations.contents(key).isEmpty()) {
            return false;
        }
        index.put(BackedUpThreadStore.entry(key, clock.millis() + times.marginMs()));
        return conversations.erase(key, atMs);
    }

    @Override
    public long eraseSome(TenantId tenant) {
        return conversations.eraseSome(tenant);
    }

    /** Has a conversation looked at, as if it had changed. */
    public void note(ConversationKey key) {
        index.put(BackedUpThreadStore.entry(key, clock.millis()));
    }

    /** Those of whom it has something. */
    public List<TenantId> tenants() {
        return bucket.folders(names.tenants()).stream()
                .flatMap(folder -> BackupNames.tenantOf(folder).stream())
                .toList();
    }

    /** Those of a tenant of which it has something. */
    public List<ConversationKey> conversations(TenantId tenant) {
        return conversations.conversations(tenant);
    }

    /** Whether there is something of a conversation, be it that it was erased. */
    public boolean has(ConversationKey key) {
        return !conversations.contents(key).isEmpty();
    }

    /** As {@link Restore} has it. */
    public Restore restore(ThreadStore into, Consumer<ConversationKey> erase, Retention retention) {
        LostSegments lost =
                new LostSegments(new LostObjects(conversations, bucket, names), bucket, names, times, retention, own);
        return new Restore(conversations, into, deleted, lost, erase, retention, own);
    }

    /** As {@link Drill} has it. */
    public Drill drill(Retention retention, Consumer<String> difference) {
        return new Drill(conversations, bucket, names, whole, times, retention, own, difference);
    }

    /** Returns if the bucket can be used. */
    public void check() {
        bucket.check();
    }

    @Override
    public void close() {
        bucket.close();
    }
}
