package io.agentserver.router;

import io.agentserver.router.RedisAnswers.Claim;
import io.agentserver.router.RedisAnswers.Ownership;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The right to answer for an idempotency key: renewed on a virtual thread of its own while it is held, also where Redis has lost it, and another's
 * who has seen it unrenewed for {@link RedisAnswers#LEASE}: its holder has died. A holder that was away for longer may have lost it to another, and is to
 * stop ({@link #isLost}): two would be paid for one answer.
 */
final class Lease {
    private static final Duration RENEW_EVERY = RedisAnswers.LEASE.dividedBy(3);

    private final RedisAnswers answers;
    private final Claim.Mine claim;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile Stopwatch sinceRenewed = new Stopwatch();
    private volatile Stopwatch sinceTried = new Stopwatch();
    private volatile boolean lost;

    Lease(RedisAnswers answers, Claim.Mine claim) {
        this.answers = answers;
        this.claim = claim;
        Thread.ofVirtual().name("lease").start(this::renewAgainAndAgain);
    }

    /**
     * Whether another one has had the key since. Blocks for a round trip to Redis where it was not renewed for its whole term because
     * this process stood still. While Redis cannot be reached it counts as held: an answer does not wait for each try.
     */
    boolean isLost() {
        if (!lost && stoodStill()) {
            catchUp();
        }
        return lost;
    }

    /** Ends the lease with an answer that stays, unless it was lost to another, or there is no Redis. */
    synchronized Ownership keep(KeptAnswer answer) {
        ended.countDown();
        return answers.keep(claim, answer);
    }

    /** Ends the lease of a run that may have cost something and gave no whole answer; nothing happens if it has ended. */
    synchronized void breakOff() {
        ended.countDown();
        answers.breakOff(claim);
    }

    /** Ends the lease of a run that has cost nothing. */
    synchronized void release() {
        ended.countDown();
        answers.release(claim);
    }

    private void renewAgainAndAgain() {
        try {
            while (!lost && !ended.await(RENEW_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                renew();
            }
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean stoodStill() {
        return !sinceRenewed.left(RedisAnswers.LEASE).isPositive()
                && !sinceTried.left(RENEW_EVERY.multipliedBy(2)).isPositive();
    }

    /** Or its thread is just doing it, and is waited for. */
    private synchronized void catchUp() {
        if (stoodStill()) {
            renew();
        }
    }

    /** Never after its end, which it would take back. */
    private synchronized void renew() {
        if (ended.getCount() == 0) {
            return;
        }
        Stopwatch asked = new Stopwatch();
        switch (answers.renew(claim)) {
            case Ownership.OWN -> sinceRenewed = asked;
            case Ownership.LOST -> lost = true;
            case Ownership.UNKNOWN -> {} // asked again
        }
        sinceTried = new Stopwatch();
    }
}
