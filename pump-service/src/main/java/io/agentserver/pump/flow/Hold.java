package io.agentserver.pump.flow;

/** A lane's hold on a message of the log. */
@FunctionalInterface
public interface Hold {
    /** Whether the message is no longer this pod's: whoever waits for something on its behalf may stop. */
    boolean isLetGo();

    /** To be called by the lane before it waits for something that takes its time: others may work meanwhile. */
    default Pause pause() {
        return () -> {};
    }

    /**
     * To be called by the lane before it waits for a store or the log, which mostly answer in milliseconds: others may work
     * if it takes long.
     */
    default Pause pauseIfLong() {
        return () -> {};
    }

    /**
     * Has {@code stop} called once, at once or later and on any thread, if the message is let go. It must not block. A later
     * call takes the place of an earlier one.
     */
    default void whenLetGo(Runnable stop) {}

    /**
     * The message is in the journal's care and off the log: its offset is finished, what comes after it in its lane goes on, and
     * the work on it goes on for as long as the pump runs, whoever has its partition.
     */
    default void detach() {}

    /** Closing it goes on with the work, when there is a place for it. */
    interface Pause extends AutoCloseable {
        @Override
        void close();
    }
}
