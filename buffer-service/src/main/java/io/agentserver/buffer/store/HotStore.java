package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;

import java.util.List;

/** A store that may lose what it had and can be filled up again. */
public interface HotStore extends ThreadStore {

    /**
     * Puts commits where they continue what is there; those that are there already are skipped.
     *
     * @return how many commits it had; fewer than one less than the first one's number: nothing was put
     */
    long restore(ConversationKey key, List<Commit> commits);

    /** Tells of what was appended while this store could not take it. */
    void announce(ConversationKey key, boolean stops);

    /** As {@link #prune}, of a store that a durable one is under: also what may still be read. */
    long pruneCopy(ConversationKey key, Pruning pruning);
}
