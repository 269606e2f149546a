package io.agentserver.buffer;

import io.agentserver.buffer.journal.Pruner;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/** Lets closed threads be pruned every second, and every second time those of processes that have ended; on a virtual thread of its own. */
final class PruneLoop implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(PruneLoop.class);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final Pruner pruner;
    private final Thread thread = Thread.ofVirtual().name("prune").unstarted(this::run);

    PruneLoop(Pruner pruner) {
        this.pruner = pruner;
    }

    PruneLoop start() {
        thread.start();
        return this;
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    /** One failure must not be the end of all pruning. */
    private void prune(boolean sweeps) {
        try {
            pruner.pruneClosed();
            if (sweeps) {
                pruner.sweep();
            }
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            log.error("pruning failed, and goes on", e);
        }
    }

    private void run() {
        try {
            for (long round = 0; ; round++) {
                prune(round % 2 == 0);
                Thread.sleep(EVERY);
            }
        } catch (InterruptedException closed) {
            // what is left, another process sweeps
        }
    }
}
