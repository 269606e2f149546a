package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;

import java.util.function.UnaryOperator;

/**
 * What of a conversation need not be held any longer.
 *
 * @param after commits up to this number are not looked at: they were pruned before
 * @param through the last commit that is looked at
 * @param content gives a commit without what nobody but readers may still ask for, who then find it in the durable store
 * @param pastUseMs commits that were made before this are read by nobody, in milliseconds since 1970; 0: there are none
 */
public record Pruning(long after, long through, UnaryOperator<Commit> content, long pastUseMs) {

    public Commit prune(Commit commit) {
        return content.apply(commit);
    }

    public boolean isPastUse(Commit commit) {
        return commit.getAtMs() < pastUseMs;
    }

    /** @param isCopied whether content may go that readers may still ask for */
    public boolean isEmpty(boolean isCopied) {
        return through <= after || (!isCopied && pastUseMs == 0);
    }

    /** For a store that nothing is under: what is still readable stays. */
    public Pruning ofPastUseAlone() {
        return new Pruning(after, through, UnaryOperator.identity(), pastUseMs);
    }
}
