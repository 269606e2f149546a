package io.agentserver.billing;

import io.agentserver.service.OutOfMemory;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Does a job again and again, on a virtual thread of its own; whatever it throws is counted and logged, and the job is done
 * again a minute later: only {@link #close} ends that, and being out of memory, which ends the process. Any number of processes may do the same job, and it may be interrupted anywhere: whoever stops waits for
 * none that takes long.
 */
public final class Periodic implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Periodic.class);
    private static final Duration AFTER_FAILURE = Duration.ofMinutes(1);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(2);

    private final String name;
    private final Duration first;
    private final Duration pause;
    private final Runnable job;
    private final Counter failures;
    private final Thread thread;
    private final CountDownLatch closing = new CountDownLatch(1);

    /**
     * @param first before the first one
     * @param pause between the end of one and the start of the next
     */
    public Periodic(String name, Duration first, Duration pause, Runnable job, MeterRegistry metrics) {
        this.name = name;
        this.first = first;
        this.pause = pause;
        this.job = job;
        this.failures = Counter.builder("agentserver.billing.job.failures")
                .description("runs of a job that failed")
                .tag("job", name)
                .register(metrics);
        this.thread = Thread.ofVirtual().name("billing-" + name).unstarted(this::run);
    }

    public Periodic start() {
        thread.start();
        return this;
    }

    /** Lets the job at hand end if that takes less than 2 s, and interrupts it otherwise. */
    @Override
    public void close() {
        closing.countDown();
        try {
            if (!thread.join(PATIENCE)) {
                thread.interrupt();
                if (!thread.join(STOP_LIMIT)) {
                    LOG.warn("job {} does not stop; its next run does what it left", name);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        Duration wait = first;
        while (!isClosingWithin(wait)) {
            wait = attempt();
        }
    }

    private boolean isClosingWithin(Duration wait) {
        Thread.interrupted(); // a job may have left it behind; close() says what it wants by the latch as well
        try {
            return closing.await(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return closing.getCount() == 0;
        }
    }

    private Duration attempt() {
        try {
            job.run();
            return pause;
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            Duration wait = pause.compareTo(AFTER_FAILURE) < 0 ? pause : AFTER_FAILURE;
            if (closing.getCount() > 0) {
                failures.increment();
                LOG.warn("job {} failed; again in {}", name, wait, e);
            }
            return wait;
        }
    }
}
