package io.agentserver.pump.flow;

/** A lane's hold on a message of the log. */
@FunctionalInterface
public interface Hold {
    /** Whether the message is no longer this pod's: whoever waits for something on its behalf may stop. */
    boolean isLetGo();
}
