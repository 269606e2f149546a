package io.agentserver.billing.stripe;

import com.stripe.model.Dispute;
import com.stripe.model.PaymentIntent;
import com.stripe.model.Refund;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Finds what events should have told and did not: lists Stripe's payments, refunds and disputes beside the ledger. */
public final class PaymentSweep {
    private static final Logger LOG = LoggerFactory.getLogger(PaymentSweep.class);

    /** A dispute may come 120 days after its payment and take 75 to be decided. */
    public static final Duration REACH = Duration.ofDays(200);

    /** Of what could not be posted. */
    private static final int MOST_NAMED = 100;

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

    /** What the walk through Stripe's objects meets. */
    private interface Visitor {
        void met(PaymentIntent payment);

        /** One that may be from before then. */
        Optional<PaymentIntent> payment(String id);

        /** Whether it needs no look at what asks for these groups. */
        boolean knows(List<GroupId> groups);

        void group(PostingGroup group);

        /** Nobody can say what this payment asks for. */
        void unreadable(String payment, RuntimeException reason);
    }

    /**
     * Posts what is missing, as it goes: what a page of Stripe's has is posted before the next one is asked for, and in memory
     * is one page. Idempotent, by the ids of Stripe's objects. A payment that cannot be posted keeps no other from being
     * posted.
     *
     * @throws IllegalStateException if there was one, after all others; and whatever Stripe and the store throw when away
     */
    public void postMissing() {
        Missing missing = new Missing();
        walk(missing);
        missing.tellFailures();
    }

    /** Not for several threads. */
    private final class Missing implements Visitor {
        private final Map<String, RuntimeException> failed = new LinkedHashMap<>();
        private long failures;

        @Override
        public void met(PaymentIntent payment) {} // nothing that grows is kept

        @Override
        public Optional<PaymentIntent> payment(String id) {
            return stripe.payment(id);
        }

        @Override
        public boolean knows(List<GroupId> groups) {
            return groups.stream().allMatch(id -> ledger.find(id).isPresent());
        }

        @Override
        public void group(PostingGroup group) {
            if (ledger.find(group.id()).isPresent()) {
                return;
            }
            LOG.warn("posting group {} of Stripe's was missing, of which no event had come", group.id());
            try {
                ledger.post(List.of(group));
            } catch (IllegalArgumentException | ArithmeticException untakable) {
                unreadable(group.id().value(), untakable);
            }
        }

        @Override
        public void unreadable(String id, RuntimeException reason) {
            failures++;
            if (failed.size() < MOST_NAMED) {
                failed.putIfAbsent(id, reason);
            }
        }

        void tellFailures() {
            if (failures > 0) {
                throw new IllegalStateException(
                        "what Stripe has of these could not be posted: " + failed.keySet()
                                + (failures > failed.size() ? ", and more" : ""),
                        failed.values().iterator().next());
            }
        }
    }

    /** What the ledger should have of what Stripe has. */
    public List<PostingGroup> missing() {
        return expected().groups().stream()
                .filter(group -> ledger.find(group.id()).isEmpty())
                .toList();
    }

    /** Whether it is real money that it looks at; of the other mode's it knows nothing. */
    public boolean isLive() {
        return stripe.isLive();
    }

    /** All posting groups that Stripe's objects of the last {@link #REACH} ask for, all in memory: for audits. */
    public Expected expected() {
        Map<String, PaymentIntent> payments = new HashMap<>();
        Map<GroupId, PostingGroup> groups = new LinkedHashMap<>();
        Map<String, RuntimeException> unreadable = new LinkedHashMap<>();
        walk(new Visitor() {
            @Override
            public void met(PaymentIntent payment) {
                payments.put(payment.getId(), payment);
            }

            @Override
            public Optional<PaymentIntent> payment(String id) {
                PaymentIntent known = payments.get(id);
                return known == null ? stripe.payment(id) : Optional.of(known);
            }

            @Override
            public boolean knows(List<GroupId> ids) {
                return groups.keySet().containsAll(ids);
            }

            @Override
            public void group(PostingGroup group) {
                groups.put(group.id(), group);
            }

            @Override
            public void unreadable(String payment, RuntimeException reason) {
                unreadable.put(payment, reason);
            }
        });
        return new Expected(List.copyOf(groups.values()), unreadable);
    }

    /** Payments, then refunds and disputes, also of payments from before then; a group may be met more than once. */
    private void walk(Visitor visitor) {
        Instant since = clock.instant().minus(REACH);
        stripe.forEachPayment(since, payment -> {
            visitor.met(payment);
            visit(payment, List.of(), List.of(), visitor);
        });
        stripe.forEachRefund(
                since,
                refund -> visit(
                        refund.getPaymentIntent(),
                        () -> ids(StripePostings.kinds(refund), refund.getId()),
                        payment -> visit(payment, List.of(refund), List.of(), visitor),
                        visitor));
        stripe.forEachDispute(
                since,
                dispute -> visit(
                        dispute.getPaymentIntent(),
                        () -> ids(StripePostings.kinds(dispute), dispute.getId()),
                        payment -> visit(payment, List.of(), List.of(dispute), visitor),
                        visitor));
    }

    /** Asks Stripe for the payment only if it has to: most refunds and disputes were posted long ago. */
    private void visit(
            @Nullable String paymentId,
            Supplier<List<GroupId>> groups,
            Consumer<PaymentIntent> withPayment,
            Visitor visitor) {
        if (paymentId == null) {
            return; // of a charge without a payment, which is none of ours
        }
        List<GroupId> ids;
        try {
            ids = groups.get();
        } catch (RuntimeException e) {
            visitor.unreadable(paymentId, e);
            return;
        }
        if (!visitor.knows(ids)) {
            visitor.payment(paymentId).ifPresent(withPayment);
        }
    }

    private static void visit(PaymentIntent payment, List<Refund> refunds, List<Dispute> disputes, Visitor visitor) {
        List<PostingGroup> groups;
        try {
            groups = Settlement.groups(payment, refunds, disputes);
        } catch (RuntimeException e) {
            visitor.unreadable(payment.getId(), e);
            return;
        }
        groups.forEach(visitor::group);
    }

    private static List<GroupId> ids(List<GroupKind> kinds, String id) {
        return kinds.stream().map(kind -> GroupId.of(kind, id)).toList();
    }
}
