package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;

/** Commits that erase, and what is left of those before them. */
public final class Erasures {
    private Erasures() {}

    /** Does it say that all before it is forgotten? */
    public static boolean isErasure(Commit commit) {
        return commit.getChangesCount() == 1 && commit.getChanges(0).hasErased();
    }

    /** Takes the place of an earlier commit: without content, and in one line with its like and the erasure. */
    public static Commit placeholder(Commit erasure, long number) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(erasure.getAtMs())
                .setSequenceBefore(erasure.getSequenceBefore())
                .setKeptUntilMs(erasure.getKeptUntilMs())
                .build();
    }
}
