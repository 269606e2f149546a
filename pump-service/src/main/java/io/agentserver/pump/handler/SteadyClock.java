package io.agentserver.pump.handler;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** Goes on evenly whatever happens to the machine's clock: for durations, and wrong for dates. Safe on any thread. */
final class SteadyClock extends Clock {
    private final long origin = System.nanoTime();

    @Override
    public Instant instant() {
        return Instant.EPOCH.plusNanos(System.nanoTime() - origin);
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("a clock for durations has no zone: " + zone);
    }
}
