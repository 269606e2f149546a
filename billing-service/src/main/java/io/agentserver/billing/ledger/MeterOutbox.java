package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * What Stripe has to be told of usage. Posting adds the price of calls to what is open, in its own transaction; sealing
 * makes one batch of all that is open. So each call is in exactly one batch, whoever crashes when. Safe on any thread and in
 * any number of processes.
 */
public interface MeterOutbox {
    /**
     * All prices of a tenant's posted calls, by how far they got.
     *
     * @param open in no batch yet
     * @param pending in batches that Stripe has not confirmed
     * @param told in batches that it has
     */
    record Totals(MicroUsd open, MicroUsd pending, MicroUsd told) {
        public MicroUsd all() {
            return open.plus(pending).plus(told);
        }
    }

    /** Moves what is open into a new batch with this id; nothing if nothing is open or another process is just doing it. */
    void seal(TenantId tenant, UUID id, Instant at);

    /** Oldest first. */
    List<MeterBatch> pending(TenantId tenant);

    /** Before it is told for the first time. Idempotent: the first time stands. */
    void tried(MeterBatch batch, Instant at);

    /** It certainly did not arrive. */
    void untried(MeterBatch batch);

    /** Stripe has it; it is kept for ever, but no longer pending. Idempotent, by the batch's id. */
    void told(MeterBatch batch);

    Totals totals(TenantId tenant);
}
