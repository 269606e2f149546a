package io.agentserver.gateway.limits;

import io.agentserver.gateway.limits.RedisBuckets.Taken;
import io.agentserver.tenancy.RateLimit;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * What this gateway may still let in under one limit that it shares with the others: some tokens that it has taken from Redis in
 * advance, a twentieth of a second's worth, so that most requests ask nobody. What it has not used after a second is lost. When it was
 * refused it does not ask again before its time. While Redis does not answer, this gateway holds the limit by itself. Blocks for one
 * round trip, at most 250 ms; safe on any thread.
 */
final class Allowance {
    private static final int LEASES_A_SECOND = 20;
    private static final Duration LEASE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofMillis(250);
    private static final Duration ALONE = Duration.ofSeconds(1);

    private final String key;
    private final RateLimit limit;
    private final RedisBuckets buckets;
    private final LongSupplier nanoTime;
    private final ReentrantLock lock = new ReentrantLock();

    private long leased;
    private long leasedAt;
    private long left;
    private long refusedUntil;
    private long aloneUntil;
    private long fullAgain; // of the bucket that this gateway keeps while it is alone

    /** @param nanoTime as {@link System#nanoTime} */
    Allowance(String key, RateLimit limit, RedisBuckets buckets, LongSupplier nanoTime) {
        this.key = key;
        this.limit = limit;
        this.buckets = buckets;
        this.nanoTime = nanoTime;
        long now = nanoTime.getAsLong();
        leasedAt = now;
        refusedUntil = now;
        aloneUntil = now;
        fullAgain = now;
        left = limit.burst();
    }

    RateLimit limit() {
        return limit;
    }

    /** How many are known to be left. */
    long left() {
        lock.lock();
        try {
            return left + leased;
        } finally {
            lock.unlock();
        }
    }

    /** @return how long until as many may be asked for again; zero: they were taken */
    Duration take(int tokens) {
        lock.lock();
        try {
            long now = nanoTime.getAsLong();
            if (now - leasedAt > LEASE.toNanos()) {
                leased = 0;
            }
            if (leased >= tokens) {
                leased -= tokens;
                return Duration.ZERO;
            }
            if (now - refusedUntil < 0) {
                return Duration.ofNanos(refusedUntil - now);
            }
            Duration wait = now - aloneUntil < 0 ? takeAlone(tokens, now) : takeShared(tokens, now);
            if (!wait.isZero() && tokens == 1) {
                refusedUntil = now + wait.toNanos(); // for one there is none, so for more there are not either
            }
            return wait;
        } finally {
            lock.unlock();
        }
    }

    private Duration takeShared(int tokens, long now) {
        int needed = (int) (tokens - leased);
        int wanted = Math.max(needed, limit.perSecond() / LEASES_A_SECOND);
        try {
            Taken taken = buckets.take(key, limit, needed, wanted)
                    .toCompletableFuture()
                    .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
            left = taken.left();
            if (taken.tokens() == 0) {
                return taken.delay();
            }
            leased += taken.tokens() - tokens;
            leasedAt = now;
            return Duration.ZERO;
        } catch (CompletionException | CancellationException away) {
            aloneUntil = now + ALONE.toNanos();
            return takeAlone(tokens, now);
        }
    }

    private Duration takeAlone(int tokens, long now) {
        double each = (double) Duration.ofSeconds(1).toNanos() / limit.perSecond();
        long full = Math.max(0, fullAgain - now);
        long there = (long) (limit.burst() - full / each);
        left = there;
        if (there < tokens) {
            return Duration.ofNanos((long) Math.ceil((tokens - there) * each));
        }
        fullAgain = now + full + (long) (tokens * each);
        left = there - tokens;
        return Duration.ZERO;
    }
}
