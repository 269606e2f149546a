package io.agentserver.pump.flow;

/** What was begun is no longer so: begin says what has become of the message. */
final class StepChanged extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StepChanged() {
        super("the message's state has changed meanwhile", null, false, false);
    }
}
