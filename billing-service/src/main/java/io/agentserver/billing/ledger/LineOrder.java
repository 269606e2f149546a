package io.agentserver.billing.ledger;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;

/** Which end of a statement comes first. */
public enum LineOrder implements Comparator<LinePosition> {
    NEWEST_FIRST {
        @Override
        public int compare(LinePosition a, LinePosition b) {
            return b.compareTo(a);
        }
    },
    OLDEST_FIRST {
        @Override
        public int compare(LinePosition a, LinePosition b) {
            return a.compareTo(b);
        }
    };

    /** Whether it comes after that position; after none comes all. */
    boolean isAfter(LinePosition line, @Nullable LinePosition that) {
        return that == null || compare(line, that) > 0;
    }
}
