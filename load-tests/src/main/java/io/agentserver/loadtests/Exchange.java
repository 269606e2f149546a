package io.agentserver.loadtests;

import java.util.Map;

/** Something that a client asks for and waits for, again and again. Safe on any thread. */
interface Exchange {
    /** Blocks until it is over; true if it was answered rightly. */
    boolean hold();

    /** By kind, since the last call. */
    Map<String, Long> takeErrors();
}
