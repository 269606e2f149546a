package io.agentserver.localstores;

import org.jspecify.annotations.Nullable;

/** A store of this machine cannot run. The message is one line: what is wrong, and what to do about it. */
public final class LocalStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LocalStoreException(String message) {
        this(message, null);
    }

    LocalStoreException(String message, @Nullable Throwable cause) {
        super(message.lines().findFirst().orElse(message), cause);
    }
}
