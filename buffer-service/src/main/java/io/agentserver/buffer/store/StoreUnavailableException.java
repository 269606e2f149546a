package io.agentserver.buffer.store;

/** A store did not answer in time or refused to work. Whether a write got in is not known; repeating it is safe. */
public final class StoreUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param store what users call it: Redis, DynamoDB */
    public StoreUnavailableException(String store, Throwable cause) {
        super(store + " is away, try again", cause);
    }

    private StoreUnavailableException(String message, RuntimeException cause) {
        super(message, cause);
    }

    /**
     * One that is there, and says why it does not do it: it is out of memory, say.
     *
     * @param refusal in its own words
     */
    public static StoreUnavailableException refused(String store, RuntimeException refusal) {
        return new StoreUnavailableException(store + " refuses: " + refusal.getMessage() + "; try again", refusal);
    }

    private StoreUnavailableException(String message) {
        super(message);
    }

    /** @param what this process must have read before it can serve */
    public static StoreUnavailableException unread(String what) {
        return new StoreUnavailableException(what + " not been read yet, try again");
    }

    /** @param what it did instead of all that it was asked for */
    public StoreUnavailableException(String store, String what) {
        super(store + " is too busy: " + what + "; try again");
    }
}
