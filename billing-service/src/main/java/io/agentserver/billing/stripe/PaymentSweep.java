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

    /** Posts what is missing. Idempotent, by the ids of Stripe's objects. */
    public void postMissing() {
        List<PostingGroup> missing = missing();
        if (!missing.isEmpty()) {
            LOG.warn(
                    "{} posting groups of Stripe's objects were missing, of which no event had come: {}",
                    missing.size(),
                    missing.stream().map(PostingGroup::id).toList());
            ledger.post(missing);
        }
    }

    /** What the ledger should have of what Stripe has. */
    public List<PostingGroup> missing() {
        return expected().stream()
                .filter(group -> ledger.find(group.id()).isEmpty())
                .toList();
    }

    /** All posting groups that Stripe's objects of the last {@link #REACH} ask for. */
    public List<PostingGroup> expected() {
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
        return payments.values().stream()
                .flatMap(payment -> Settlement.groups(
                        payment,
                        Objects.requireNonNullElse(refunds.get(payment.getId()), List.of()),
                        Objects.requireNonNullElse(disputes.get(payment.getId()), List.of()))
                        .stream())
                .toList();
    }

    private void addIfAbsent(String payment, Map<String, PaymentIntent> to) {
        if (!to.containsKey(payment)) {
            stripe.payment(payment).ifPresent(found -> to.put(payment, found));
        }
    }
}
