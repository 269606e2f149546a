package io.agentserver.pump.flow;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Does something for those who wait that turn out to wait for long. One thread looks after all and
 * lives while there are any: a short wait costs a set's entry. Safe on any thread.
 */
final class LongWaits {
    private static final Logger LOG = LoggerFactory.getLogger(LongWaits.class);

    private final Duration isLong;
    private final Set<Wait> waits = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean watched = new AtomicBoolean();

    /** @param isLong at least this long, and up to half as much more */
    LongWaits(Duration isLong) {
        this.isLong = isLong;
    }

    /** From when it is begun to its end. */
    final class Wait {
        private final long since = System.nanoTime();
        private final Runnable ifLong;
        private final AtomicBoolean decided = new AtomicBoolean();

        private Wait(Runnable ifLong) {
            this.ifLong = ifLong;
        }

        /** @return whether it was long: then what is done for it has been done, or is being done */
        boolean end() {
            waits.remove(this);
            return !decided.compareAndSet(false, true);
        }

        private void look(long now) {
            if (now - since >= isLong.toNanos() && waits.remove(this) && decided.compareAndSet(false, true)) {
                ifLong.run();
            }
        }
    }

    /** @param ifLong is called once, on another thread, if the wait is long; it must not block */
    Wait begin(Runnable ifLong) {
        Wait wait = new Wait(ifLong);
        waits.add(wait);
        if (!watched.get() && watched.compareAndSet(false, true)) {
            Thread.ofVirtual().name("long-waits").start(this::watch);
        }
        return wait;
    }

    private void watch() {
        do {
            while (!waits.isEmpty()) {
                pause();
                long now = System.nanoTime();
                waits.forEach(wait -> wait.look(now));
            }
            watched.set(false);
        } while (!waits.isEmpty() && watched.compareAndSet(false, true));
    }

    private void pause() {
        try {
            Thread.sleep(isLong.dividedBy(2));
        } catch (InterruptedException e) {
            LOG.debug("nobody's interrupt: it ends when nobody waits", e);
        }
    }
}
