package io.agentserver.credit;

/**
 * What billing's ledger says a tenant has.
 *
 * @param amount micro-USD; below 0: spent and not paid
 * @param version grows with each change, so that of two the newer is known
 */
public record PostedBalance(long amount, long version) {}
