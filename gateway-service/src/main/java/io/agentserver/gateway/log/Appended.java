package io.agentserver.gateway.log;

/** What came of appending to the log. */
public sealed interface Appended {
    /** The brokers have it, as many of them as {@code acks=all} asks for. */
    record Acknowledged() implements Appended {}

    /** The log never takes a record of this size; it is not there. */
    record TooLarge() implements Appended {}

    /** Nobody knows whether it got in; appending it again is safe. */
    record Unknown() implements Appended {}
}
