package io.agentserver.router;

import java.io.IOException;

/** A provider sent something that is no answer. The message says what, for the caller, without anything of its content. */
final class UnusableAnswerException extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableAnswerException(String what) {
        super(what);
    }
}
