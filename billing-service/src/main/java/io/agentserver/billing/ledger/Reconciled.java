package io.agentserver.billing.ledger;

import java.time.Instant;

/**
 * What came of comparing the ledger with all else the last time.
 *
 * @param at when that was found
 * @param differences how many; 0: all agreed
 */
public record Reconciled(Instant at, long differences) {}
