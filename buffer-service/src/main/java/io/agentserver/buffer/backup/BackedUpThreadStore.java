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
 * the commit itself, and nothing has to be looked through to find what has changed. Commits are of the periods that their
 * processes' clocks say; whether an entry is still there when its commit is, the store's clock says, by which entries are removed.
 */
public final class BackedUpThreadStore extends ForwardingThreadStore {
    private final DueStore index;
    private final BackupErasure backups;
    private final BackupTimes times;
    private final StoreClock clock;
    private final Clock own;

    /** @param index by shard; for nothing else */
    BackedUpThreadStore(
            ThreadStore store, DueStore index, BackupErasure backups, BackupTimes times, StoreClock clock, Clock own) {
        super(store);
        this.index = index;
        this.backups = backups;
        this.times = times;
        this.clock = clock;
        this.own = own;
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        long period = times.periodOf(commit.getAtMs());
        long dueMs = times.dueMs(period);
        if (commit.getNumber() == 1 || times.periodOf(previousActivityMs) != period) {
            index.put(entry(key, dueMs)); // harmless if the commit never comes
        }
        long soonMs = Math.min(dueMs, times.dueMs(times.periodOf(clock.millis() + times.marginMs())));
        if (soonMs < dueMs) {
            index.put(entry(key, soonMs)); // whoever began that period has a clock that is ahead
        }
        boolean appended = super.append(key, commit, previousActivityMs);
        if (appended && mayBeRemoved(soonMs)) {
            index.put(entry(key, times.laterMs(clock.millis())));
        }
        return appended;
    }

    /** This process stood still, or has a clock that is behind: the entry may have been looked at before its commit was there. */
    private boolean mayBeRemoved(long dueMs) {
        return !clock.isKnown() || Math.max(clock.millis(), own.millis()) > dueMs - times.marginMs() / 2;
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
