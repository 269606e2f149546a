package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;

/** Hears of commits that close threads, before they are written and when they are. Must not block. */
@FunctionalInterface
public interface Closings {
    Closings NOBODY_HEARS = _ -> () -> {};

    /** @return to be run when the commit is written; not at all if it is not */
    Runnable closing(ConversationKey key);

    /** By an answer, a hand over, the end of a turn or of all turns. */
    static boolean closes(Commit commit) {
        return commit.getChangesList().stream().anyMatch(Closings::closes);
    }

    private static boolean closes(Change change) {
        return change.hasThreadClosed() || change.hasTurnEnded() || change.hasCancelled();
    }
}
