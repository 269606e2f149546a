package io.agentserver.router;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Leaves a tenant's own key alone that its provider has refused (401, 403): for 10 s, and twice as long after each further
 * refusal, 5 min at most. Then one call tries it, while others go on failing; one that is answered ends it. A provider that
 * is shown bad keys without end shuts out the address that they come from, and with it everybody else. Safe on any thread;
 * does not block.
 */
final class KeyRest {
    static final Duration FIRST = Duration.ofSeconds(10);
    static final Duration LONGEST = Duration.ofMinutes(5);
    private static final int MOST_DOUBLED = 6;

    private final String provider;
    private final LongSupplier nanos;
    private int refusals; // guarded by this, as all below
    private long until;
    private long turn;

    KeyRest(String provider) {
        this(provider, System::nanoTime);
    }

    KeyRest(String provider, LongSupplier nanos) {
        this.provider = provider;
        this.nanos = nanos;
    }

    /**
     * Before each call under the key.
     *
     * @return for {@link #refused}
     * @throws KeyNotOpenedException while it rests
     */
    synchronized long enter() throws KeyNotOpenedException {
        if (refusals > 0) {
            long now = nanos.getAsLong();
            long left = until - now;
            if (left > 0) {
                throw new KeyNotOpenedException("the tenant's own key of " + provider
                        + " was refused and is left alone, for " + Math.ceilDiv(left, 1_000_000_000L)
                        + " s more: store one that is taken");
            }
            until = now + FIRST.toNanos(); // one that hangs does not hold up the next try for ever
            turn++;
        }
        return turn;
    }

    /** Of many calls that ran side by side the first counts. */
    synchronized void refused(long entered) {
        if (entered == turn) {
            Duration rest = FIRST.multipliedBy(1L << Math.min(refusals, MOST_DOUBLED));
            until = nanos.getAsLong() + (rest.compareTo(LONGEST) < 0 ? rest : LONGEST).toNanos();
            refusals++;
            turn++;
        }
    }

    synchronized void taken() {
        refusals = 0;
    }
}
