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
    private void add(Refund refund) {
        add(GroupKind.REFUND, refund.getId(), refund.getCreated(), refund.getAmount(), credit, balance);
        if (refund.getStatus().equals("failed") || refund.getStatus().equals("canceled")) {
            add(GroupKind.REFUND_FAILED, refund.getId(), refund.getCreated(), refund.getAmount(), balance, credit);
        }
    }

    /** Stripe takes the money when it is disputed, and gives it back if we win; before that it only inquires. */
    private void add(Dispute dispute) {
        switch (dispute.getStatus()) {
            case "needs_response", "under_review" -> take(dispute);
            case "won" -> {
                take(dispute);
                add(
                        GroupKind.DISPUTE_WON,
                        dispute.getId(),
                        dispute.getCreated(),
                        dispute.getAmount(),
                        disputed,
                        credit);
            }
            case "lost" -> {
                take(dispute);
                add(
                        GroupKind.DISPUTE_LOST,
                        dispute.getId(),
                        dispute.getCreated(),
                        dispute.getAmount(),
                        disputed,
                        balance);
            }
            default -> {} // warning_…, prevented: an inquiry, no money moves
        }
    }

    private void take(Dispute dispute) {
        // "disputed" stands below 0 until it is decided: money that is not ours and not yet gone
        add(GroupKind.DISPUTE, dispute.getId(), dispute.getCreated(), dispute.getAmount(), credit, disputed);
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
