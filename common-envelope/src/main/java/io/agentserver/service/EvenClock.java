package io.agentserver.service;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.function.LongSupplier;

/**
 * The wall clock, which goes on evenly when it is set: a step of more than a second is believed only when it has stood for
 * half a minute. A clock that jumps and is put right again ends no turn, wakes no timer and makes no token of another time; one that
 * was wrong when the process began, and is put right, is followed half a minute later: well within the minute in which all has to be
 * healthy again. Safe on any thread.
 */
public final class EvenClock extends Clock implements MeterBinder {
    private static final Logger LOG = LoggerFactory.getLogger(EvenClock.class);
    private static final Duration STEP = Duration.ofSeconds(1);
    private static final Duration TRIAL = Duration.ofSeconds(30);

    private final Clock wall;
    private final LongSupplier nanoTime;
    private final long origin;
    /** What the wall clock says when nanoTime says {@code origin}: as it is believed, and as it seems to be since a step. */
    private Instant believed;

    private Instant doubted;
    private long doubtedSince;
    private long steps;

    public EvenClock() {
        this(Clock.systemUTC(), System::nanoTime);
    }

    EvenClock(Clock wall, LongSupplier nanoTime) {
        this.wall = wall;
        this.nanoTime = nanoTime;
        this.origin = nanoTime.getAsLong();
        this.believed = wall.instant();
        this.doubted = believed;
    }

    @Override
    public synchronized Instant instant() {
        long nanos = nanoTime.getAsLong();
        Instant now = wall.instant();
        Instant start = now.minusNanos(nanos - origin);
        if (isNear(start, believed)) {
            believed = start;
            doubted = start;
            return now;
        }
        if (!isNear(start, doubted)) {
            LOG.warn("the wall clock was set by {}; not believed for {}", Duration.between(believed, start), TRIAL);
            doubtedSince = nanos;
            steps++;
        }
        doubted = start;
        if (nanos - doubtedSince >= TRIAL.toNanos()) {
            believed = start;
            return now;
        }
        return believed.plusNanos(nanos - origin);
    }

    /** How often the wall clock was set by more than a second, as far as somebody looked at it meanwhile; that it is put right in time counts no more. */
    synchronized long steps() {
        return steps;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        FunctionCounter.builder("agentserver.clock.steps", this, EvenClock::steps)
                .description("times that the wall clock was set by more than a second")
                .register(registry);
    }

    private static boolean isNear(Instant one, Instant other) {
        return Duration.between(one, other).abs().compareTo(STEP) <= 0;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return ZoneOffset.UTC.equals(zone) ? this : Clock.system(zone);
    }
}
