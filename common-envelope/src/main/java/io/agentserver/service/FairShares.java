package io.agentserver.service;

import java.util.HashMap;
import java.util.Map;

/**
 * An amount of something that all owners share. One has at most as much as is left for all others: the first takes half, two take a
 * third each, and something is always left for one more. Safe on any thread.
 */
public final class FairShares {
    private final long most;
    private final Map<String, Long> held = new HashMap<>();
    private long total;

    /** @param most of all owners together, 0 or more */
    public FairShares(long most) {
        this.most = most;
    }

    /**
     * False, and nothing taken, if there is no room.
     *
     * @param more below 0: is given back, and there is always room for that
     */
    public synchronized boolean take(String owner, long more) {
        long own = held.getOrDefault(owner, 0L) + more;
        if (more > 0 && own > most - (total + more)) {
            return false;
        }
        total += more;
        if (own == 0) {
            held.remove(owner);
        } else {
            held.put(owner, own);
        }
        return true;
    }

    public synchronized long held() {
        return total;
    }
}
