package io.agentserver.standalone;

import java.util.Map;

/** A running platform that a test talks to from outside; all-in-one or five processes. */
interface Platform extends AutoCloseable {
    /** What {@code dev.env} says. */
    Map<String, String> environment();

    /** kill -9 of every process of the platform's own. */
    void kill();

    /** Starts again, on the same state. */
    void restart();

    /** Runs the command {@code reconcile} over its stores. */
    Child.Ended reconcile();

    @Override
    void close();

    default String variable(String name) {
        String value = environment().get(name);
        if (value == null) {
            throw new IllegalStateException(
                    name + " is not among " + environment().keySet());
        }
        return value;
    }
}
