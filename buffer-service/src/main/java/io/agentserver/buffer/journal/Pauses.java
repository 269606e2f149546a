package io.agentserver.buffer.journal;

import java.time.Duration;

/**
 * How long a watcher waits for a wake-up before it looks by itself: short where something is going on, twice as long each time
 * where nothing is, so that thousands of idle watchers cost next to nothing. Confined to one watcher.
 */
final class Pauses {
    private final Duration shortest;
    private final Duration longest;
    private Duration next;

    Pauses(Duration shortest, Duration longest) {
        this.shortest = shortest;
        this.longest = longest;
        this.next = shortest;
    }

    /** 2 s, up to half a minute: all is well within a minute of a fault. */
    static Pauses usual() {
        return new Pauses(ConversationReader.POLL, ConversationReader.POLL.multipliedBy(16));
    }

    /** Something has happened: more may. */
    void restart() {
        next = shortest;
    }

    /** @param idle whether nothing is expected, and it would be heard of */
    Duration next(boolean idle) {
        if (!idle) {
            restart();
            return shortest;
        }
        Duration pause = next;
        Duration twice = pause.multipliedBy(2);
        next = twice.compareTo(longest) < 0 ? twice : longest;
        return pause;
    }
}
