package io.agentserver.billing.stripe;

import com.stripe.model.Dispute;
import com.stripe.model.PaymentIntent;
import com.stripe.model.Refund;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;

/**
 * Brings the ledger up to what Stripe says of a payment now. An event only says which payment to look at: its content, its
 * order and how often it comes do not matter, for each object at Stripe has one posting group for ever.
 */
public final class Settlement {
    private static final Logger LOG = LoggerFactory.getLogger(Settlement.class);

    private final StripeAccount stripe;
    private final Ledger ledger;
    private final boolean live;

    /** What became of a payment that somebody named. */
    enum Outcome {
        /** All of it is in the ledger, durable. */
        SETTLED,
        /** A payment of ours, but no top-up of a tenant. */
        NO_TOP_UP,
        /** Not a payment of our account in our mode. */
        UNKNOWN
    }

    public Settlement(StripeAccount stripe, Ledger ledger, boolean live) {
        this.stripe = stripe;
        this.ledger = ledger;
        this.live = live;
    }

    /** Idempotent, by the ids of Stripe's objects. Throws what Stripe's and the store's absence throw: try again then. */
    Outcome settle(String paymentId) {
        Optional<PaymentIntent> found = stripe.payment(paymentId);
        if (found.isEmpty() || found.get().getLivemode() != live) {
            return Outcome.UNKNOWN;
        }
        PaymentIntent payment = found.get();
        Optional<TenantId> tenant = tenantOf(payment);
        if (tenant.isEmpty()) {
            return Outcome.NO_TOP_UP;
        }
        ledger.post(groups(tenant.get(), payment, stripe.refundsOf(paymentId), stripe.disputesOf(paymentId)));
        return Outcome.SETTLED;
    }

    /** The posting groups of a top-up as it stands; none for any other payment. */
    static List<PostingGroup> groups(PaymentIntent payment, List<Refund> refunds, List<Dispute> disputes) {
        return tenantOf(payment)
                .map(tenant -> groups(tenant, payment, refunds, disputes))
                .orElse(List.of());
    }

    private static List<PostingGroup> groups(
            TenantId tenant, PaymentIntent payment, List<Refund> refunds, List<Dispute> disputes) {
        return StripePostings.of(tenant, payment, refunds, disputes);
    }

    private static Optional<TenantId> tenantOf(PaymentIntent payment) {
        String tenant =
                payment.getMetadata() == null ? null : payment.getMetadata().get(StripeAccount.TENANT);
        if (tenant == null) {
            return Optional.empty();
        }
        if (!TenantId.isValid(tenant) || !StripeAccount.CURRENCY.equals(payment.getCurrency())) {
            LOG.error(
                    "payment {} of tenant <{}> in {} is none that we ask for; it is not posted",
                    payment.getId(),
                    tenant,
                    payment.getCurrency());
            return Optional.empty();
        }
        return Optional.of(new TenantId(tenant));
    }
}
