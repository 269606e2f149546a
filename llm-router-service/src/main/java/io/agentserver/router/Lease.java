package io.agentserver.router;

import java.time.Duration;

/**
 * The right to answer for an idempotency key: renewed on a virtual thread of its own while it is held, free by itself
 * {@link RedisAnswers#LEASE} after its holder has died.
 */
final class Lease {
    private static final Duration RENEW_EVERY = RedisAnswers.LEASE.dividedBy(3);

    private final RedisAnswers answers;
    private final String name;
    private final String mine;
    private final Thread renewal;

    /** @param mine the value that the claim has put there */
    Lease(RedisAnswers answers, String name, String mine) {
        this.answers = answers;
        this.name = name;
        this.mine = mine;
        this.renewal = Thread.ofVirtual().name("lease").start(this::renew);
    }

    /** Ends the lease with an answer that stays; false if it was lost to another, or there is no Redis. */
    boolean keep(String answer) {
        renewal.interrupt();
        return answers.replace(name, mine, answer, RedisAnswers.KEPT);
    }

    /** Ends the lease without an answer; nothing happens if it has ended. */
    void release() {
        renewal.interrupt();
        answers.remove(name, mine);
    }

    private void renew() {
        try {
            while (true) {
                Thread.sleep(RENEW_EVERY);
                answers.replace(name, mine, mine, RedisAnswers.LEASE);
            }
        } catch (InterruptedException ended) {
            // by keep() or release()
        }
    }
}
