package io.agentserver.buffer;

import io.agentserver.buffer.journal.LaterSweeps;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Sweeps deleted tenants again where that is this process's to do; on a virtual thread of its own, each minute. */
final class SweepLoop implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SweepLoop.class);
    private static final Duration EVERY = Duration.ofMinutes(1);

    private final LaterSweeps sweeps;
    private final BooleanSupplier isMine;
    private final Thread thread = Thread.ofVirtual().name("later-sweeps").unstarted(this::run);

    SweepLoop(LaterSweeps sweeps, BooleanSupplier isMine) {
        this.sweeps = sweeps;
        this.isMine = isMine;
    }

    SweepLoop start() {
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
                Thread.sleep(EVERY);
                if (isMine.getAsBoolean()) {
                    sweep();
                }
            }
        } catch (InterruptedException closed) {
            // what is due, another process sweeps
        }
    }

    private void sweep() {
        try {
            sweeps.sweep();
        } catch (StoreUnavailableException e) {
            log.debug("deleted tenants are swept again later", e);
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            log.error("sweeping deleted tenants failed, and goes on", e);
        }
    }
}
