package io.agentserver.router;

import java.io.IOException;
import java.util.Optional;

/** The key that a provider is shown. Safe on any thread. */
interface Credential {
    /**
     * Empty: it is asked without one. May block; an interrupt of the thread ends that.
     *
     * @throws IOException if the key cannot be had, so that the provider is not to be asked
     */
    Optional<String> secret() throws IOException, InterruptedException;

    /** Whether it is the calling tenant's own, who pays the provider itself. */
    default boolean isTenants() {
        return false;
    }

    /** This server of the provider, which has been told that it is asked under this key. */
    default Backend watching(Backend server) {
        return server;
    }

    /** The platform's. */
    static Credential of(Optional<String> key) {
        return () -> key;
    }
}
