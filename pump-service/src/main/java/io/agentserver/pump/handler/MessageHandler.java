package io.agentserver.pump.handler;

/**
 * Does one listener's work. Runs on a virtual thread of its own, which is interrupted when its time is over, and may block,
 * unless it {@link #isInstant}.
 * It returns what should happen and writes nothing; it may run again for the same message, also on another pod.
 */
@FunctionalInterface
public interface MessageHandler {
    HandlerResult handle(HandlerCall call);

    /**
     * Nobody waits for what this call gives: what it has asked others for is to be stopped. It may still be running, and is
     * interrupted; or it was given up after its last attempt. Not called when another pump goes on with the message, or it is tried
     * again here. May block.
     */
    default void unwanted(HandlerCall call) {}

    /** Whether it only computes, for milliseconds at most: then it runs in its message's lane, without a bound of time. */
    default boolean isInstant() {
        return false;
    }
}
