package io.agentserver.standalone.faults;

import java.time.Duration;
import java.util.Random;

/** What a network does to what is sent over it, as TCP shows it to the processes at its ends. */
sealed interface Trouble {
    /** Nothing arrives, either way; what was sent meanwhile arrives when it is over. */
    record Partition() implements Trouble {}

    /** Nobody listens, and the connections there were are broken. */
    record Refusal() implements Trouble {}

    /** So many of a hundred chunks break their connection. */
    record Resets(int percent) implements Trouble {}

    /** Everything arrives so much later, each way. */
    record Latency(Duration each) implements Trouble {}

    /** So many of a hundred chunks, and with them what comes after, are late by 200, 400 or 800 ms, as retransmissions are. */
    record Loss(int percent) implements Trouble {}

    record None() implements Trouble {}

    /** Of each kind as often as of any other. */
    static Trouble any(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> new Partition();
            case 1 -> new Refusal();
            case 2 -> new Resets(1 + random.nextInt(10));
            case 3 -> new Latency(Duration.ofMillis(500));
            default -> new Loss(1 + random.nextInt(10));
        };
    }
}
