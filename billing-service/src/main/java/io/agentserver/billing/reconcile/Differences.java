package io.agentserver.billing.reconcile;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Those of one look: all are counted, and so many kept that they always fit in memory. Not for several threads. */
final class Differences {
    /** Some 200 bytes each. */
    static final int MOST = 10_000;

    private final List<Difference> kept = new ArrayList<>();
    private long count;

    void add(String key, String text) {
        count++;
        if (kept.size() < MOST) {
            kept.add(new Difference(key, text));
        }
    }

    List<Difference> kept() {
        return List.copyOf(kept);
    }

    long count() {
        return count;
    }

    /** Whether each is kept, so that another look can say which of them are still there. */
    boolean isWhole() {
        return count == kept.size();
    }

    Set<String> keys() {
        return kept.stream().map(Difference::key).collect(Collectors.toSet());
    }
}
