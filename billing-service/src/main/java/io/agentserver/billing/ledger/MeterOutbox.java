package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * What Stripe has to be told of usage. Posting adds the price of calls to the open batch and writes that batch's number into
 * their groups, in its own transaction; sealing ends the open batch, gives it the id that Stripe gets, and opens the next. So
 * each call is in exactly one batch, which it names, whoever crashes when. Safe on any thread and in any number of processes.
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

    /**
     * Where a tenant's batches stand.
     *
     * @param number of the open one; each before it but {@code aside} is sealed
     * @param amount what is open
     * @param named what the calls cost that name the open one: more than is open if an older version sealed some of it
     * @param aside the number of one that is ended and not written down yet
     * @param since when that was ended, if it is known
     */
    record Open(
            long number,
            MicroUsd amount,
            MicroUsd named,
            @Nullable Long aside,
            @Nullable Instant since) {}

    /**
     * Ends the open batch under this id, and opens the next; nothing if nothing is open or another process is just doing it.
     * What a crash in the middle has left is finished by whoever seals next, then under that one's id.
     */
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

    Open open(TenantId tenant);

    /** Empty if it is open, or there is none. */
    Optional<SealedBatch> sealed(TenantId tenant, long number);

    /** By the identifier that Stripe was told. */
    Optional<SealedBatch> sealed(UUID id);

    /** All of a tenant's, in their order. */
    void forEachSealed(TenantId tenant, Consumer<SealedBatch> visitor);

    /** All that Stripe was told or is to be, also by older versions; one that is told meanwhile may come twice. */
    void forEachEvent(TenantId tenant, Consumer<MeterBatch> visitor);

    /** Whether Stripe has confirmed it. */
    boolean isTold(SealedBatch batch);
}
