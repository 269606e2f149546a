package io.agentserver.gateway.tenants;

import io.agentserver.tenancy.TenantDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Finishes what crashes left half done, soon after the start and every minute, on a thread of its own: at first once the
 * directory has been read to its end, for before that everything seems to be missing from it.
 */
public final class Reconciliation implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciliation.class);
    private static final Duration PERIOD = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(100);

    private final TenantDirectory directory;
    private final List<Runnable> steps;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("tenants-reconciliation").daemon().factory());

    /** @param steps run in this order; each may be repeated at will */
    public Reconciliation(TenantDirectory directory, Runnable... steps) {
        this.directory = directory;
        this.steps = List.of(steps);
    }

    public Reconciliation start() {
        var _ = thread.schedule(this::first, 0, TimeUnit.MILLISECONDS);
        return this;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }

    private void first() {
        if (!directory.isCaughtUp()) {
            var _ = thread.schedule(this::first, LOOK.toMillis(), TimeUnit.MILLISECONDS);
            return;
        }
        run();
        var _ = thread.scheduleWithFixedDelay(this::run, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void run() {
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException e) {
                // a store is away; a scheduled task that throws would never be run again
                LOG.warn("reconciliation of the tenants is put off: {}", e.toString());
            }
        }
    }
}
