package io.agentserver.gateway.problems;

import org.jspecify.annotations.Nullable;

/** Something that a request needs is away: 503, and the caller may try again. The message is for the caller. */
public final class Unavailable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
