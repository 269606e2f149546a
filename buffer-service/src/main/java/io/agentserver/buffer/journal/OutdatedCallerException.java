package io.agentserver.buffer.journal;

/** The request needs more than its caller, a pod of an older version, knows of: a newer one will take it. */
public final class OutdatedCallerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutdatedCallerException(String message) {
        super(message + ": upgrade the pump");
    }
}
