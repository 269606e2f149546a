package io.agentserver.router;

import io.agentserver.router.RedisAnswers.Claim;

import java.time.Duration;

/**
 * The right to answer for an idempotency key: renewed on a virtual thread of its own while it is held, free by itself
 * {@link RedisAnswers#LEASE} after its holder has died.
 */
final class Lease {
    private static final Duration RENEW_EVERY = RedisAnswers.LEASE.dividedBy(3);

    private final RedisAnswers answers;
    private final Claim.Mine claim;
    private final Thread renewal;

    Lease(RedisAnswers answers, Claim.Mine claim) {
        this.answers = answers;
        this.claim = claim;
        this.renewal = Thread.ofVirtual().name("lease").start(this::renew);
    }

    /** Ends the lease with an answer that stays; false if it was lost to another, or there is no Redis. */
    boolean keep(KeptAnswer answer) {
        renewal.interrupt();
        return answers.keep(claim, answer);
    }

    /** Ends the lease of a run that may have cost something and gave no whole answer; nothing happens if it has ended. */
    void breakOff() {
        renewal.interrupt();
        answers.breakOff(claim);
    }

    /** Ends the lease of a run that has cost nothing. */
    void release() {
        renewal.interrupt();
        answers.release(claim);
    }

    private void renew() {
        try {
            while (true) {
                Thread.sleep(RENEW_EVERY);
                answers.renew(claim);
            }
        } catch (InterruptedException ended) {
            // by one of the above
        }
    }
}
