package io.agentserver.service;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * A store that is away is told of by every request that wants it. Of one logger's warnings, {@value #MOST} in ten seconds are
 * logged; of the rest the next one says how many they were. Errors are never kept back: some hold what nothing else has.
 */
final class LogFlood extends TurboFilter {
    static final int MOST = 50;
    private static final long WINDOW_NANOS = Duration.ofSeconds(10).toNanos();

    private final Map<String, Window> windows = new ConcurrentHashMap<>();
    private final LongSupplier nanos;

    /** @param nanos as {@link System#nanoTime} */
    LogFlood(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** Once in a process, however many services it has; without Logback nothing is kept back. */
    static void keepBack() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            synchronized (LogFlood.class) {
                if (context.getTurboFilterList().stream().noneMatch(LogFlood.class::isInstance)) {
                    context.addTurboFilter(new LogFlood(System::nanoTime));
                }
            }
        }
    }

    @Override
    public FilterReply decide(
            @Nullable Marker marker,
            Logger logger,
            Level level,
            @Nullable String format,
            Object @Nullable [] parameters,
            @Nullable Throwable thrown) {
        boolean asks = format == null; // whether it would be logged
        if (asks || level != Level.WARN || logger.getEffectiveLevel().isGreaterOrEqual(Level.ERROR)) {
            return FilterReply.NEUTRAL;
        }
        return windows.computeIfAbsent(logger.getName(), _ -> new Window(nanos.getAsLong()))
                .decide(logger, nanos.getAsLong());
    }

    private static final class Window {
        private long since;
        private int logged;
        private long keptBack;

        Window(long since) {
            this.since = since;
        }

        FilterReply decide(Logger logger, long now) {
            long late;
            synchronized (this) {
                if (now - since < WINDOW_NANOS) {
                    if (logged >= MOST) {
                        keptBack++;
                        return FilterReply.DENY;
                    }
                    logged++;
                    return FilterReply.NEUTRAL;
                }
                late = keptBack;
                since = now;
                logged = late == 0 ? 1 : 2;
                keptBack = 0;
            }
            if (late > 0) {
                logger.error("{} more warnings like those before were kept back", late);
            }
            return FilterReply.NEUTRAL;
        }
    }
}
