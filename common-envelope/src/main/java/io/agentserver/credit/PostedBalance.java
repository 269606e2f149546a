package io.agentserver.credit;

/**
 * What billing's ledger says a tenant has.
 *
 * @param amount micro-USD; below 0: spent and not paid
 * @param version grows with each change, so that of two of one era the newer is known
 * @param era the ledger's history, which ends when it is restored from a backup; empty: any
 */
public record PostedBalance(long amount, long version, String era) {

    /** Of a ledger that has one history. */
    public PostedBalance(long amount, long version) {
        this(amount, version, "");
    }
}
