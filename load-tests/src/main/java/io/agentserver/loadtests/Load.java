package io.agentserver.loadtests;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** The two ways to load a platform. Both block until the last conversation is over. */
final class Load {
    private static final long LONGEST_MICROS = Duration.ofMinutes(2).toNanos() / 1000;
    private static final int DIGITS = 3;

    private final Exchange conversations;

    Load(Exchange conversations) {
        this.conversations = conversations;
    }

    /** Each client starts its next conversation when the last is over: how much the platform can do. */
    Measured closedLoop(int clients, Duration time) {
        Histogram latencies = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);
        LongAdder answered = new LongAdder();
        long begun = System.nanoTime();
        long end = begun + time.toNanos();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < clients; i++) {
                threads.execute(() -> {
                    for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
                        if (conversations.hold()) {
                            record(latencies, start);
                            answered.increment();
                        }
                    }
                });
            }
        }
        return measured(answered.sum(), begun, latencies);
    }

    /** As {@link #closedLoop(int, Duration)}, but until so many are over. */
    Measured closedLoop(int clients, int count) {
        Histogram latencies = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);
        LongAdder answered = new LongAdder();
        AtomicInteger left = new AtomicInteger(count);
        long begun = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < clients; i++) {
                threads.execute(() -> {
                    while (left.getAndDecrement() > 0) {
                        long start = System.nanoTime();
                        if (conversations.hold()) {
                            record(latencies, start);
                            answered.increment();
                        }
                    }
                });
            }
        }
        return measured(answered.sum(), begun, latencies);
    }

    /**
     * A conversation every {@code 1/rate} s, whether the earlier ones are over or not; latencies from the time that it
     * should have started, so that a stall counts for all that it held up.
     */
    Measured openLoop(int rate, Duration time) {
        Histogram latencies = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);
        LongAdder answered = new LongAdder();
        long begun = System.nanoTime();
        long count = rate * time.toSeconds();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (long i = 0; i < count; i++) {
                long intended = begun + i * 1_000_000_000L / rate;
                for (long now = System.nanoTime(); now < intended; now = System.nanoTime()) {
                    LockSupport.parkNanos(intended - now);
                }
                threads.execute(() -> {
                    if (conversations.hold()) {
                        record(latencies, intended);
                        answered.increment();
                    }
                });
            }
        }
        return measured(answered.sum(), begun, latencies);
    }

    private Measured measured(long answered, long begun, Histogram latencies) {
        return new Measured(
                answered, Duration.ofNanos(System.nanoTime() - begun), latencies, conversations.takeErrors());
    }

    private static void record(Histogram latencies, long start) {
        latencies.recordValue(Math.min((System.nanoTime() - start) / 1000, LONGEST_MICROS));
    }
}
