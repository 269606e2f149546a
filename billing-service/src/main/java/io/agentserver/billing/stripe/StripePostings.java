package io.agentserver.billing.stripe;

import com.stripe.model.Dispute;
import com.stripe.model.PaymentIntent;
import com.stripe.model.Refund;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What a payment at Stripe, its refunds and its disputes mean for the ledger, whatever happened in which order: all groups
 * that there must be by now. A later look at the same payment gives the same ones and perhaps more, never others.
 */
final class StripePostings {
    private final TenantId tenant;
    private final Account credit;
    private final Account balance;
    private final Account disputed;
    private final List<PostingGroup> groups = new ArrayList<>();

    private StripePostings(TenantId tenant, boolean live) {
        this.tenant = tenant;
        this.credit = Account.creditOf(tenant);
        this.balance = Account.stripeBalance(live);
        this.disputed = Account.stripeDisputed(live);
    }

    /** None until the payment has succeeded. */
    static List<PostingGroup> of(TenantId tenant, PaymentIntent payment, List<Refund> refunds, List<Dispute> disputes) {
        if (!payment.getStatus().equals("succeeded")) {
            return List.of();
        }
        StripePostings postings = new StripePostings(tenant, payment.getLivemode());
        postings.add(
                GroupKind.TOP_UP,
                payment.getId(),
                payment.getCreated(),
                payment.getAmountReceived(),
                postings.balance,
                postings.credit);
        refunds.forEach(postings::add);
        disputes.forEach(postings::add);
        return postings.groups;
    }

    /** From the moment when it is asked for; one that the bank did not take is given back. */
    static List<GroupKind> kinds(Refund refund) {
        return refund.getStatus().equals("failed") || refund.getStatus().equals("canceled")
                ? List.of(GroupKind.REFUND, GroupKind.REFUND_FAILED)
                : List.of(GroupKind.REFUND);
    }

    /** Stripe takes the money when it is disputed, and gives it back if we win; before that it only inquires. */
    static List<GroupKind> kinds(Dispute dispute) {
        return switch (dispute.getStatus()) {
            case "needs_response", "under_review" -> List.of(GroupKind.DISPUTE);
            case "won" -> List.of(GroupKind.DISPUTE, GroupKind.DISPUTE_WON);
            case "lost" -> List.of(GroupKind.DISPUTE, GroupKind.DISPUTE_LOST);
            default -> List.of(); // warning_…, prevented: an inquiry, no money moves
        };
    }

    private void add(Refund refund) {
        List<GroupKind> kinds = kinds(refund);
        add(GroupKind.REFUND, refund.getId(), refund.getCreated(), refund.getAmount(), credit, balance);
        if (kinds.contains(GroupKind.REFUND_FAILED)) {
            add(GroupKind.REFUND_FAILED, refund.getId(), refund.getCreated(), refund.getAmount(), balance, credit);
        }
    }

    private void add(Dispute dispute) {
        List<GroupKind> kinds = kinds(dispute);
        long created = dispute.getCreated();
        long cents = dispute.getAmount();
        if (kinds.contains(GroupKind.DISPUTE)) {
            // "disputed" stands below 0 until it is decided: money that is not ours and not yet gone
            add(GroupKind.DISPUTE, dispute.getId(), created, cents, credit, disputed);
        }
        if (kinds.contains(GroupKind.DISPUTE_WON)) {
            add(GroupKind.DISPUTE_WON, dispute.getId(), created, cents, disputed, credit);
        }
        if (kinds.contains(GroupKind.DISPUTE_LOST)) {
            add(GroupKind.DISPUTE_LOST, dispute.getId(), created, cents, disputed, balance);
        }
    }

    private void add(GroupKind kind, String id, long created, long cents, Account debit, Account creditSide) {
        groups.add(PostingGroup.transfer(
                GroupId.of(kind, id),
                tenant,
                Instant.ofEpochSecond(created),
                MicroUsd.ofCents(cents),
                debit,
                creditSide));
    }
}
