package io.agentserver.pump.handler;

/** One thing that a handler wants to happen. {@code payload} is one XML element; who sends it is not the handler's to say. */
public sealed interface HandlerOutput {
    String payload();

    /** Calls a peer, or the listener itself; its answer comes back to this thread. */
    record Forward(String to, String payload) implements HandlerOutput {}

    /** Gives this thread to a peer for good. Excludes other outputs. */
    record HandOver(String to, String payload) implements HandlerOutput {}

    /** Answers whoever called this thread. Excludes other outputs. */
    record Respond(String payload) implements HandlerOutput {}
}
