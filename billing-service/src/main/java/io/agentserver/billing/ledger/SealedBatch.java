package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;

import java.time.Instant;
import java.util.UUID;

/**
 * What is kept for ever of a {@link MeterBatch}, and never changed: which calls Stripe was told of by it. They are those whose
 * posting groups have its number.
 *
 * @param number counts a tenant's batches, from 1
 * @param id Stripe's identifier of the meter event
 * @param at when it was sealed
 * @param amount what Stripe is told; over 0
 * @param named what the calls with its number cost: the same, unless an older version of billing, whose calls have no number,
 *     posted or sealed beside this one
 * @param calls how many have its number
 */
public record SealedBatch(
        long number, UUID id, TenantId tenant, Instant at, MicroUsd amount, MicroUsd named, long calls) {

    /**
     * Whether Stripe is told of as much as these calls cost. They are the very calls unless an older version posted beside this
     * one and sealed just as much: nobody can tell two calls of one price apart there.
     */
    public boolean isWhole() {
        return amount.equals(named);
    }
}
