package io.agentserver.service;

import org.jspecify.annotations.Nullable;

/**
 * For a thread that goes on after whatever it meets: out of memory, no thread of this process can be trusted to, and what was
 * accepted is finished by a restart.
 */
public final class OutOfMemory {
    /** The JVM's own with {@code -XX:+ExitOnOutOfMemoryError}, which not everybody starts it with. */
    static final int EXIT = 3;

    private OutOfMemory() {}

    /** Ends the process at once, without its shutdown hooks, if that is what the failure is of; returns otherwise. */
    public static void endsTheProcess(Throwable failure) {
        if (isOf(failure)) {
            System.err.println("agentserver: out of memory, so the process ends");
            Runtime.getRuntime().halt(EXIT);
        }
    }

    static boolean isOf(Throwable failure) {
        for (@Nullable Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof OutOfMemoryError) {
                return true;
            }
        }
        return false;
    }
}
