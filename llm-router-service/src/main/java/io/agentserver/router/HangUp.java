package io.agentserver.router;

import org.apache.coyote.CloseNowException;

import java.util.function.BooleanSupplier;

/**
 * Tells whether the client of a call has gone. To be asked on the request's own thread alone.
 *
 * @param gone looks without waiting
 */
record HangUp(BooleanSupplier gone) {
    /** A caller that cannot hang up. */
    static final HangUp NEVER = new HangUp(() -> false);

    boolean hasHappened() {
        return gone.getAsBoolean();
    }

    /** @throws CloseNowException if it has: Tomcat logs no error for it, and the connection is closed */
    void check() throws CloseNowException {
        if (hasHappened()) {
            throw new CloseNowException("the client has hung up");
        }
    }
}
