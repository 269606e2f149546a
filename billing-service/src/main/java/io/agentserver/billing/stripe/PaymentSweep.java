package io.agentserver.billing.stripe;

import com.stripe.model.Dispute;
import com.stripe.model.PaymentIntent;
import com.stripe.model.Refund;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Finds what events should have told and did not: lists Stripe's payments, refunds and disputes beside the ledger. */
public final class PaymentSweep {
    private static final Logger LOG = LoggerFactory.getLogger(PaymentSweep.class);

    /** A dispute may come 120 days after its payment and take 75 to be decided. */
    public static final Duration REACH = Duration.ofDays(200);

    private final StripeAccount stripe;
    private final Ledger ledger;
    private final Clock clock;

    public PaymentSweep(StripeAccount stripe, Ledger ledger, Clock clock) {
        this.stripe = stripe;
        this.ledger = ledger;
        this.clock = clock;
    }

    /**
     * What Stripe's objects ask for.
     *
     * @param unreadable payments of which nobody can say that, by their ids, with the reason
     */
    public record Expected(List<PostingGroup> groups, Map<String, RuntimeException> unreadable) {}

    /**
     * Posts what is missing. Idempotent, by the ids of Stripe's objects. A payment that cannot be posted keeps no other from
     * being posted.
     *
     * @throws IllegalStateException if there was one, after all others; and whatever Stripe and the store throw when away
     */
    public void postMissing() {
        Expected expected = expected();
        Map<String, RuntimeException> failed = new LinkedHashMap<>(expected.unreadable());
        for (PostingGroup group : missing(expected)) {
            LOG.warn("posting group {} of Stripe's was missing, of which no event had come", group.id());
            try {
                ledger.post(List.of(group));
            } catch (IllegalArgumentException | ArithmeticException untakable) {
                failed.put(group.id().value(), untakable);
            }
        }
        if (!failed.isEmpty()) {
            throw new IllegalStateException(
                    "what Stripe has of these could not be posted: " + failed.keySet(),
                    failed.values().iterator().next());
        }
    }

    /** What the ledger should have of what Stripe has. */
    public List<PostingGroup> missing() {
        return missing(expected());
    }

    private List<PostingGroup> missing(Expected expected) {
        return expected.groups().stream()
                .filter(group -> ledger.find(group.id()).isEmpty())
                .toList();
    }

    /** Whether it is real money that it looks at; of the other mode's it knows nothing. */
    public boolean isLive() {
        return stripe.isLive();
    }

    /** All posting groups that Stripe's objects of the last {@link #REACH} ask for. */
    public Expected expected() {
        Instant since = clock.instant().minus(REACH);
        Map<String, PaymentIntent> payments = new LinkedHashMap<>();
        stripe.payments(since).forEach(payment -> payments.put(payment.getId(), payment));
        Map<String, List<Refund>> refunds = new LinkedHashMap<>();
        for (Refund refund : stripe.refunds(since)) {
            if (refund.getPaymentIntent() != null) {
                refunds.computeIfAbsent(refund.getPaymentIntent(), _ -> new ArrayList<>())
                        .add(refund);
            }
        }
        Map<String, List<Dispute>> disputes = new LinkedHashMap<>();
        for (Dispute dispute : stripe.disputes(since)) {
            if (dispute.getPaymentIntent() != null) {
                disputes.computeIfAbsent(dispute.getPaymentIntent(), _ -> new ArrayList<>())
                        .add(dispute);
            }
        }
        // of payments before then
        refunds.keySet().forEach(id -> addIfAbsent(id, payments));
        disputes.keySet().forEach(id -> addIfAbsent(id, payments));
        List<PostingGroup> groups = new ArrayList<>();
        Map<String, RuntimeException> unreadable = new LinkedHashMap<>();
        payments.forEach((id, payment) -> {
            try {
                groups.addAll(Settlement.groups(
                        payment,
                        Objects.requireNonNullElse(refunds.get(id), List.of()),
                        Objects.requireNonNullElse(disputes.get(id), List.of())));
            } catch (RuntimeException e) {
                unreadable.put(id, e);
            }
        });
        return new Expected(groups, unreadable);
    }

    private void addIfAbsent(String payment, Map<String, PaymentIntent> to) {
        if (!to.containsKey(payment)) {
            stripe.payment(payment).ifPresent(found -> to.put(payment, found));
        }
    }
}
