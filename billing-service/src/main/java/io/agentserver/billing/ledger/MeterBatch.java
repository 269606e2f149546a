package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/**
 * Usage of one tenant that is told to Stripe at once.
 *
 * @param id Stripe's identifier of the meter event, made up when the batch was sealed
 * @param at when it was sealed
 * @param amount the price of the calls in it; over 0
 * @param firstTried when it was first told, if nobody knows whether that arrived
 */
public record MeterBatch(
        UUID id,
        TenantId tenant,
        Instant at,
        MicroUsd amount,
        @Nullable Instant firstTried) {

    MeterBatch withFirstTried(@Nullable Instant time) {
        return new MeterBatch(id, tenant, at, amount, time);
    }
}
