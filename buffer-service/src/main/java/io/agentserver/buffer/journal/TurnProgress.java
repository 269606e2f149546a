package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.Tokens;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.MessageId;

/** A turn of a conversation as its commits made it. Confined to its {@link JournalState}. */
final class TurnProgress {
    final MessageId id;
    TurnState state = TurnState.TURN_QUEUED;
    long openedAtMs;
    long endedAtMs;
    long organismVersion;
    /** Commits and slots up to these have nothing of it but perhaps its client's message. */
    long commitsBefore;

    long slotsBefore;
    long responseSequence;
    /** The conversation's last sequence when it ended: watchers hear of the end after that slot. */
    long endedAfterSequence;
    /** Messages that were handled in it. */
    long hops;

    private long waitedMs;
    private long waitingSinceMs;

    Tokens tokens = Tokens.getDefaultInstance();

    TurnProgress(MessageId id, long atMs) {
        this.id = id;
        this.openedAtMs = atMs;
    }

    /** Whether something in it waits for a time or a person, from this commit on. */
    void waits(boolean waiting, long atMs) {
        if (waiting && waitingSinceMs == 0) {
            waitingSinceMs = atMs;
        } else if (!waiting && waitingSinceMs != 0) {
            waitedMs += atMs - waitingSinceMs;
            waitingSinceMs = 0;
        }
    }

    /**
     * When it would have been opened, had nothing in it waited for a time or a person: what its bound counts from.
     *
     * @param nowMs something in it may be waiting still
     */
    long countsFromMs(long nowMs) {
        return openedAtMs + waitedMs + (waitingSinceMs == 0 ? 0 : Math.max(0, nowMs - waitingSinceMs));
    }

    boolean isEnded() {
        return endedAtMs != 0;
    }

    Turn toTurn() {
        return Turn.newBuilder()
                .setId(id.toString())
                .setState(state)
                .setOpenedAtMs(openedAtMs)
                .setEndedAtMs(endedAtMs)
                .setResponseSequence(responseSequence)
                .setOrganismVersion(organismVersion)
                .build();
    }
}
