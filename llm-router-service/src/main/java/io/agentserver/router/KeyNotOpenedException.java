package io.agentserver.router;

import java.io.IOException;

/** A tenant's own key cannot be had, so its provider is not asked; the message is for the caller. */
final class KeyNotOpenedException extends IOException {
    private static final long serialVersionUID = 1L;

    KeyNotOpenedException(String message) {
        super(message);
    }
}
