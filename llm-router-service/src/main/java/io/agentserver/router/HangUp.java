package io.agentserver.router;

import org.apache.coyote.CloseNowException;

import java.util.function.BooleanSupplier;

/**
 * Tells whether the client of a call has gone. To be asked on the request's own thread alone.
 *
 * @param gone whether the connection has ended; looks without waiting
 * @param cancels whether the call is to be cancelled, for its client has gone and nobody else wants the answer
 */
record HangUp(BooleanSupplier gone, BooleanSupplier cancels) {
    /** A caller that cannot hang up. */
    static final HangUp NEVER = new HangUp(() -> false);

    /** Of a client that alone wants the answer. */
    HangUp(BooleanSupplier gone) {
        this(gone, gone);
    }

    /** Whether the call is to be cancelled. */
    boolean hasHappened() {
        return cancels.getAsBoolean();
    }

    /** Whether nobody reads what is answered here, wherever else the answer is wanted. */
    boolean hasGone() {
        return gone.getAsBoolean();
    }

    /** @throws CloseNowException if it has: Tomcat logs no error for it, and the connection is closed */
    void check() throws CloseNowException {
        if (hasHappened()) {
            throw new CloseNowException("the client has hung up");
        }
    }
}
