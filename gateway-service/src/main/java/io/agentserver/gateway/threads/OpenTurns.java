package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * Which turns of a conversation have not ended, as a watcher of its slots knows it: a client's message opens or queues one,
 * its end closes it, and where the watcher catches up the buffer says which one is open. Used on one thread.
 */
final class OpenTurns {
    private final SequencedSet<String> open = new LinkedHashSet<>();

    void sawSlot(Slot slot) {
        if (slot.getCause().isEmpty() && slot.getState() != SlotState.DROPPED) {
            open.add(slot.getTurn());
        }
    }

    void sawEnd(String turn) {
        open.remove(turn);
    }

    /**
     * Turns run one after the other, so those whose message came before the open one's have ended.
     *
     * @param current empty: none
     */
    void caughtUp(String current) {
        if (current.isEmpty()) {
            open.clear();
            return;
        }
        List<String> seen = new ArrayList<>(open);
        int position = seen.indexOf(current); // -1: its message came before the first slot that was watched
        open.clear();
        open.add(current);
        open.addAll(seen.subList(position + 1, seen.size()));
    }

    boolean areNone() {
        return open.isEmpty();
    }
}
