package io.agentserver.billing.console;

/** There is nothing here for whoever asks; whether there is for others is not told. */
public final class NotHere extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NotHere() {
        super("there is nothing here", null, false, false);
    }
}
