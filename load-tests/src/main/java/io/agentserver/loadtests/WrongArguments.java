package io.agentserver.loadtests;

/** What the caller wrote cannot be run; the message says why. */
final class WrongArguments extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WrongArguments(String message) {
        super(message);
    }
}
