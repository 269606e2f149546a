package io.agentserver.billing;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Does a job now and again and again, on a virtual thread of its own; a failure is counted and logged, and the job is done
 * again a minute later. Any number of processes may do the same job.
 */
public final class Periodic implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Periodic.class);
    private static final Duration AFTER_FAILURE = Duration.ofMinutes(1);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    private final String name;
    private final Duration pause;
    private final Runnable job;
    private final Counter failures;
    private final Thread thread;
    private final CountDownLatch closing = new CountDownLatch(1);

    /** @param pause between the end of one and the start of the next */
    public Periodic(String name, Duration pause, Runnable job, MeterRegistry metrics) {
        this.name = name;
        this.pause = pause;
        this.job = job;
        this.failures = metrics.counter("agentserver.billing.job.failures", "job", name);
        this.thread = Thread.ofVirtual().name("billing-" + name).unstarted(this::run);
    }

    public Periodic start() {
        thread.start();
        return this;
    }

    /** Lets the job at hand end; waits at most 20 s for that. */
    @Override
    public void close() {
        closing.countDown();
        try {
            if (!thread.join(STOP_LIMIT)) {
                LOG.warn("job {} did not stop within {}; its next run does what it left", name, STOP_LIMIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            Duration wait = Duration.ZERO;
            while (!closing.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                wait = attempt();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts job " + name, e);
        }
    }

    private Duration attempt() {
        try {
            job.run();
            return pause;
        } catch (RuntimeException e) {
            Duration wait = pause.compareTo(AFTER_FAILURE) < 0 ? pause : AFTER_FAILURE;
            failures.increment();
            LOG.warn("job {} failed; again in {}", name, wait, e);
            return wait;
        }
    }
}
