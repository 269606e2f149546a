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
 * @param told whether the log has been told, of one that has cost nothing
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
        boolean told,
        Stopwatch since,
        @Nullable Stopwatch taken) {
    static Owed of(TenantId tenant, Hold hold, Counted counted, Spent spent, String epoch) {
        return new Owed(tenant, hold, counted, spent, epoch, true, false, new Stopwatch(), null);
    }

    /** What it was counted with is gone in a minute. */
    static Owed perhaps(TenantId tenant, Hold hold) {
        return new Owed(tenant, hold, Counted.NOT, Spent.NOTHING, "", false, false, new Stopwatch(), null);
    }

    Owed under(Hold lapsed) {
        return new Owed(tenant, lapsed, counted, spent, epoch, true, told, new Stopwatch(), null);
    }

    Owed takenNow() {
        return new Owed(tenant, hold, counted, spent, epoch, certain, told, since, new Stopwatch());
    }

    Owed toldNow() {
        return new Owed(tenant, hold, counted, spent, epoch, certain, true, since, taken);
    }

    /** Whether it would be paid as it was held if Redis went on not hearing of it, and there is only half of the time left. */
    boolean isUnheard() {
        return taken == null
                && !told
                && spent.price() == 0
                && hold.amount() > 0
                && since.left(hold.life().dividedBy(2)).isNegative();
    }

    boolean isOver() {
        return (taken != null || !certain) && since.left(hold.life()).isNegative();
    }
}
