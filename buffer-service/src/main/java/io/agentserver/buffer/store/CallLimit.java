package io.agentserver.buffer.store;

import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Lets a bounded number of calls wait for a store at once; more are refused at once, so that a store which stands still cannot
 * gather all threads and what they hold. Safe on any thread.
 */
public final class CallLimit {
    private final String store;
    private final int most;
    private final Semaphore free;

    /** @param store what users call it: Redis, DynamoDB */
    public CallLimit(String store, int most) {
        this.store = store;
        this.most = most;
        this.free = new Semaphore(most);
    }

    /** @throws StoreUnavailableException if so many wait already */
    public <T> T within(Supplier<T> call) {
        if (!free.tryAcquire()) {
            throw new StoreUnavailableException(store, most + " calls wait for it");
        }
        try {
            return call.get();
        } finally {
            free.release();
        }
    }
}
