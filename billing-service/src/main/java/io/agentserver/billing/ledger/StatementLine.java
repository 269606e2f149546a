package io.agentserver.billing.ledger;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.Objects;

/**
 * One posting group as its tenant sees it.
 *
 * @param text for people, in English, without the amount
 * @param amount what it changed the credit by; below 0: it was taken
 * @param reference a receipt, or the id of an object at Stripe
 * @param batch the number of the batch that tells Stripe of this call; null where that is written nowhere, and of no call
 * @param test no real money moved: a test card, or Stripe's test mode
 */
public record StatementLine(
        Instant at,
        GroupKind kind,
        String text,
        MicroUsd amount,
        String reference,
        @Nullable Long batch,
        boolean test) {

    static StatementLine of(PostingGroup group) {
        return new StatementLine(
                group.at(),
                group.id().kind(),
                text(group),
                group.toCredit().negated(),
                group.id().reference(),
                group.batch(),
                group.postings().stream().anyMatch(p -> p.account().isTest()));
    }

    private static String text(PostingGroup group) {
        return switch (group.id().kind()) {
            case CALL -> call(Objects.requireNonNull(group.usage()));
            case TOP_UP -> "Top-up";
            case TEST_TOP_UP -> "Top-up with the test card";
            case STARTING_CREDIT -> "Starting credit";
            case REFUND -> "Refund";
            case REFUND_FAILED -> "Refund that did not arrive, given back";
            case DISPUTE -> "Payment disputed, taken back until it is decided";
            case DISPUTE_WON -> "Dispute won, given back";
            case DISPUTE_LOST -> "Dispute lost";
            case ADJUSTMENT -> Objects.requireNonNullElse(group.note(), "Adjustment");
            case OTHER -> "Other";
        };
    }

    private static String call(CallUsage call) {
        return call.listener() == null ? call.model() : call.model() + " for " + call.listener();
    }
}
