package io.agentserver.buffer.store;

/** A store did not answer in time or refused to work. Whether a write got in is not known; repeating it is safe. */
public final class StoreUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param store what users call it: Redis, DynamoDB */
    public StoreUnavailableException(String store, Throwable cause) {
        super(store + " is away, try again", cause);
    }

    /** @param what it did instead of all that it was asked for */
    public StoreUnavailableException(String store, String what) {
        super(store + " is too busy: " + what + "; try again");
    }
}
