package io.agentserver.billing.stripe;

import com.stripe.exception.ApiConnectionException;
import com.stripe.exception.StripeException;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.ConnectException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * Tells Stripe what each tenant used, as meter events. What is posted gathers in the tenant's balance, in the same
 * transaction; here it becomes batches, each durable with its id before it is told, and told until Stripe has it. Stripe
 * recognises a repeat by the id for a day; what nobody can say of whether it arrived, and is older, is left for a person.
 */
public final class MeterEvents {
    private static final Logger LOG = LoggerFactory.getLogger(MeterEvents.class);

    /** More than have something wrong with themselves, side by side: the store is away, and each takes as long as it waits for that. */
    private static final int MOST_IN_A_ROW = 20;

    /** Stripe promises 24 h; our clocks and its may differ. */
    static final Duration RECOGNISED = Duration.ofHours(23);

    private final LedgerStore store;
    private final MeterOutbox outbox;
    private final StripeAccount stripe;
    private final Clock clock;

    public MeterEvents(LedgerStore store, MeterOutbox outbox, StripeAccount stripe, Clock clock) {
        this.store = store;
        this.outbox = outbox;
        this.stripe = stripe;
        this.clock = clock;
    }

    /**
     * Everything that is there now, of every tenant. A tenant whose batch fails keeps no other from being told, nor does one
     * whose sealing does keep its earlier batches. When many fail in a row it is not for their own sake, and it ends.
     *
     * @throws RuntimeException the first that any tenant's failed with
     */
    public void tell() {
        Optional<RuntimeException> first = Optional.empty();
        int inARow = 0;
        for (TenantId tenant : store.tenants()) {
            Optional<RuntimeException> sealing =
                    each(tenant, () -> outbox.seal(tenant, UUID.randomUUID(), clock.instant()));
            Optional<RuntimeException> telling =
                    each(tenant, () -> outbox.pending(tenant).forEach(this::tell));
            Optional<RuntimeException> failure = sealing.or(() -> telling);
            first = first.or(() -> failure);
            inARow = failure.isPresent() ? inARow + 1 : 0;
            if (inARow == MOST_IN_A_ROW) {
                break;
            }
        }
        if (first.isPresent()) {
            throw first.get();
        }
    }

    private static Optional<RuntimeException> each(TenantId tenant, Runnable job) {
        try {
            job.run();
            return Optional.empty();
        } catch (RuntimeException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw e; // billing stops
            }
            LOG.error("usage of {} could not be told; again later, and the other tenants' now", tenant, e);
            return Optional.of(e);
        }
    }

    private void tell(MeterBatch batch) {
        Instant tried = batch.firstTried();
        if (tried != null && tried.plus(RECOGNISED).isBefore(clock.instant())) {
            LOG.error(
                    "whether Stripe has meter event {} ({}, {}, first told at {}) is not known and too long ago to tell"
                            + " again: look for it at Stripe",
                    batch.id(),
                    batch.tenant(),
                    batch.amount(),
                    tried);
            return;
        }
        if (tried == null) {
            outbox.tried(batch, clock.instant());
        }
        try {
            stripe.meter(batch);
            outbox.told(batch);
        } catch (StripeException e) {
            if (isThereAlready(e)) {
                outbox.told(batch);
                return;
            }
            if (tried == null && isRefusal(e)) {
                outbox.untried(batch);
            }
            LOG.warn("meter event {} of {} was not taken; again later", batch.id(), batch.tenant(), e);
        } catch (PaymentsAwayException e) {
            if (tried == null) {
                outbox.untried(batch); // its customer could not be made, so it was not told
            }
            LOG.warn("meter event {} of {} could not be told; again later", batch.id(), batch.tenant(), e);
        }
    }

    private static boolean isThereAlready(StripeException e) {
        return "duplicate_meter_event".equals(e.getCode())
                || (e.getMessage() != null && e.getMessage().contains("already exists with identifier"));
    }

    /** Whether Stripe certainly has not got it. */
    private static boolean isRefusal(StripeException e) {
        Integer status = e.getStatusCode();
        return (e instanceof ApiConnectionException && e.getCause() instanceof ConnectException)
                || (status != null && status >= 400 && status < 500 && status != 409);
    }
}
