package io.agentserver.sealing;

import org.jspecify.annotations.Nullable;

/** The data keys of tenants cannot be read, or made, at the moment; a later try may. */
public final class KeysUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public KeysUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
