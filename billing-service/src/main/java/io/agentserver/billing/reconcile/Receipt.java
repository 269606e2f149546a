package io.agentserver.billing.reconcile;

import org.jspecify.annotations.Nullable;

/** What all places say of one receipt; of several testimonies of one place the first counts. Not for several threads. */
final class Receipt {
    private @Nullable Testimony slot;
    private @Nullable Testimony usage;
    private @Nullable Testimony posted;

    void add(Testimony testimony) {
        switch (testimony.place()) {
            case SLOT -> slot = slot == null ? testimony : slot;
            case USAGE -> usage = usage == null ? testimony : usage;
            case LEDGER -> posted = posted == null ? testimony : posted;
        }
    }

    @Nullable
    Testimony slot() {
        return slot;
    }

    @Nullable
    Testimony usage() {
        return usage;
    }

    @Nullable
    Testimony posted() {
        return posted;
    }
}
