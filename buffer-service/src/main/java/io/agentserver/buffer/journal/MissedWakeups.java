package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/**
 * The safety net under wake-ups: asks the fast store every two seconds, for all who wait in one go, which conversations have grown
 * without their having heard of it; and has the store {@linkplain ThreadStore#makeUp make up} for what it could not do. On a
 * virtual thread of its own.
 */
public final class MissedWakeups implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(MissedWakeups.class);

    private final ThreadStore store;
    private final Wakeups wakeups;
    private final Duration every;
    private final Thread thread = Thread.ofVirtual().name("missed-wake-ups").unstarted(this::run);

    public MissedWakeups(ThreadStore store, Wakeups wakeups) {
        this(store, wakeups, ConversationReader.POLL);
    }

    MissedWakeups(ThreadStore store, Wakeups wakeups, Duration every) {
        this.store = store;
        this.wakeups = wakeups;
        this.every = every;
    }

    public MissedWakeups start() {
        thread.start();
        return this;
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(every);
                patiently(store::makeUp);
                patiently(() -> wakeups.wakeWhoMissed(store::lastNumbers));
            }
        } catch (InterruptedException closed) {
            // nobody waits any more
        }
    }

    private static void patiently(Runnable work) {
        try {
            work.run();
        } catch (StoreUnavailableException e) {
            log.debug("later", e);
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            log.error("looking for missed wake-ups failed, and goes on", e);
        }
    }
}
