package io.agentserver.buffer.journal;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Where a journal frees what an erasure has left in stores and backups: a bucket that hangs keeps a few virtual threads of its own,
 * and nobody who asks what is due. What was not done when it is closed, the due index asks for again. Safe on any thread.
 */
public final class FreeingThreads implements AutoCloseable {
    private static final int THREADS = 8;
    private static final int WAITING = 1_000;
    private static final Duration IDLE = Duration.ofSeconds(10);

    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE.toMillis(),
            TimeUnit.MILLISECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofVirtual().name("freeing-", 0).factory());

    public FreeingThreads() {
        threads.allowCoreThreadTimeOut(true);
    }

    /** @throws RejectedExecutionException if as many wait as may */
    public void execute(Runnable freeing) {
        threads.execute(freeing);
    }

    /** Interrupts what runs, and does not wait for it. */
    @Override
    public void close() {
        threads.shutdownNow();
    }
}
