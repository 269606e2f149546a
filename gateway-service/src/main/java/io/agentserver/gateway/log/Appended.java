package io.agentserver.gateway.log;

/** What came of appending to the log. */
public sealed interface Appended {
    /** The brokers have it, as many of them as {@code acks=all} asks for. */
    record Acknowledged() implements Appended {}

    /** Nobody knows whether it got in; appending it again is safe. */
    record Unknown() implements Appended {}
}
