package io.agentserver.router;

import io.agentserver.credit.Counted;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Spent;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

/**
 * An end of a hold that Redis has not taken yet, or has and may forget.
 *
 * @param spent of a price of 0: it is a release
 * @param epoch that the hold was taken in; empty: not known
 * @param certain Redis had the hold; false: it did not answer, and a call that never was is not remembered for ever
 * @param since the call ended
 * @param taken since Redis has it; null: it has not
 */
record Owed(
        TenantId tenant,
        Hold hold,
        Counted counted,
        Spent spent,
        String epoch,
        boolean certain,
        Stopwatch since,
        @Nullable Stopwatch taken) {
    static Owed of(TenantId tenant, Hold hold, Counted counted, Spent spent, String epoch) {
        return new Owed(tenant, hold, counted, spent, epoch, true, new Stopwatch(), null);
    }

    /** What it was counted with is gone in a minute. */
    static Owed perhaps(TenantId tenant, Hold hold) {
        return new Owed(tenant, hold, Counted.NOT, Spent.NOTHING, "", false, new Stopwatch(), null);
    }

    Owed under(Hold lapsed) {
        return new Owed(tenant, lapsed, counted, spent, epoch, true, new Stopwatch(), null);
    }

    Owed takenNow() {
        return new Owed(tenant, hold, counted, spent, epoch, certain, since, new Stopwatch());
    }

    boolean isOver() {
        return (taken != null || !certain) && since.left(hold.life()).isNegative();
    }
}
