package io.agentserver.buffer.store;

/** Hears of commits that some process has appended. Called on the store's own thread: must not block. */
@FunctionalInterface
public interface AppendListener {
    /**
     * @param number of the last of them
     * @param stops whether one of them took from something in flight whoever waited for it
     */
    void appended(ConversationKey key, long number, boolean stops);

    /**
     * Something has been appended of which nobody was told in time; it may be in the durable store alone.
     *
     * @param stops whether it took from something in flight whoever waited for it
     */
    default void missed(ConversationKey key, boolean stops) {}

    /**
     * Whether appends are told of from now on; what came just before may have been missed.
     *
     * @param appends false: the connection that tells of them is broken
     */
    default void hears(boolean appends) {}
}
