package io.agentserver.buffer.backup;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.MessageId;

import java.time.Clock;

/**
 * Notes which conversations change, for the backup, and erases there what is erased. Before a conversation's first commit of a
 * period an index by shard gets an entry, due when the period is over: one write for each conversation and period, as safe as
 * the commit itself, and nothing has to be looked through to find what has changed.
 */
public final class BackedUpThreadStore extends ForwardingThreadStore {
    private final DueStore index;
    private final BackupErasure backups;
    private final BackupTimes times;
    private final Clock clock;

    /** @param index by shard; for nothing else */
    public BackedUpThreadStore(
            ThreadStore store, DueStore index, BackupErasure backups, BackupTimes times, Clock clock) {
        super(store);
        this.index = index;
        this.backups = backups;
        this.times = times;
        this.clock = clock;
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        long period = times.periodOf(commit.getAtMs());
        long dueMs = times.dueMs(period);
        if (commit.getNumber() == 1 || times.periodOf(previousActivityMs) != period) {
            index.put(entry(key, dueMs)); // harmless if the commit never comes
        }
        boolean appended = super.append(key, commit, previousActivityMs);
        long nowMs = clock.millis();
        if (appended && nowMs > dueMs - times.marginMs() / 2) {
            // this process stood still: the entry may have been looked at before its commit was there
            index.put(entry(key, nowMs + times.marginMs()));
        }
        return appended;
    }

    /** What this cannot do now, the journal's due index asks for again. */
    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        boolean erased = super.erase(key, erasure);
        backups.erase(key, erasure.getAtMs());
        return erased;
    }

    @Override
    public void eraseBackup(ConversationKey key, long erasedAtMs) {
        if (backups.erase(key, erasedAtMs)) {
            index.put(entry(key, clock.millis() + times.marginMs())); // a run says when its mark may go
        }
    }

    static DueEntry entry(ConversationKey key, long dueMs) {
        return new DueEntry(
                key, key.conversation(), MessageId.parse(key.conversation().toString()), dueMs);
    }
}
