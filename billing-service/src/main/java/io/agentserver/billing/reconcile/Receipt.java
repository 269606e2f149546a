package io.agentserver.billing.reconcile;

import org.jspecify.annotations.Nullable;

/**
 * What all places say of one receipt; of several testimonies of one place the first counts. Or of one batch: there the calls
 * that say they are in it add up. Not for several threads.
 */
final class Receipt {
    private @Nullable Testimony slot;
    private @Nullable Testimony usage;
    private @Nullable Testimony posted;
    private @Nullable Testimony batched;
    private @Nullable Testimony event;
    private @Nullable Testimony sealed;
    private @Nullable Testimony told;

    void add(Testimony testimony) {
        switch (testimony.place()) {
            case SLOT -> slot = slot == null ? testimony : slot;
            case USAGE -> usage = usage == null ? testimony : usage;
            case LEDGER -> posted = posted == null ? testimony : posted;
            case BATCHED -> batched = batched == null ? testimony : sum(batched, testimony);
            case EVENT -> event = event == null ? testimony : event;
            case SEALED -> sealed = sealed == null ? testimony : sealed;
            case TOLD -> told = told == null ? testimony : told;
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

    /** All calls that say they are in this batch, as one. */
    @Nullable
    Testimony batched() {
        return batched;
    }

    @Nullable
    Testimony event() {
        return event;
    }

    @Nullable
    Testimony sealed() {
        return sealed;
    }

    @Nullable
    Testimony told() {
        return told;
    }

    private static Testimony sum(Testimony one, Testimony other) {
        return new Testimony(
                one.receipt(),
                one.place(),
                one.tenant(),
                Math.addExact(one.price(), other.price()),
                one.calls() + other.calls(),
                one.recent(),
                one.where());
    }
}
