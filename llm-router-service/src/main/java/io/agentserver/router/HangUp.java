package io.agentserver.router;

import java.io.IOException;
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

    /** @throws IOException if it has, as writing to the client would */
    void check() throws IOException {
        if (hasHappened()) {
            throw new IOException("the client has hung up");
        }
    }
}
