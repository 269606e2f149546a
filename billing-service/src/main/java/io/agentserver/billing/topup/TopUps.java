package io.agentserver.billing.topup;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.UUID;

/**
 * How a tenant tops up its credit: on a page of Stripe's, whose payment is posted when Stripe says that it succeeded; or,
 * in dev and without Stripe's keys, with a test card that posts at once. Safe on any thread; blocks.
 */
public final class TopUps {
    private final Ledger ledger;
    private final Clock clock;
    private final @Nullable Checkout checkout;
    private final boolean testCard;

    /** By what means. */
    public enum Means {
        STRIPE,
        TEST_CARD,
        /** Neither is set up. */
        NONE
    }

    /**
     * @param checkout null: no keys of Stripe
     * @param testCard whether there may be one; with Stripe there is none
     */
    public TopUps(Ledger ledger, Clock clock, @Nullable Checkout checkout, boolean testCard) {
        this.ledger = ledger;
        this.clock = clock;
        this.checkout = checkout;
        this.testCard = testCard;
    }

    public Means means() {
        if (checkout != null) {
            return Means.STRIPE;
        }
        return testCard ? Means.TEST_CARD : Means.NONE;
    }

    /**
     * Where to send the person's browser to pay.
     *
     * @param attempt one per form that was shown: sent twice, it is one page
     * @param success where Stripe sends the browser afterwards; the credit comes a moment later, by webhook
     * @param cancel where it sends a person who changed their mind
     * @throws PaymentsAwayException if Stripe does not answer; the same attempt may be made again
     * @throws IllegalStateException if {@link #means} is not {@link Means#STRIPE}
     */
    public URI checkout(TenantId tenant, UUID attempt, TopUpAmount amount, URI success, URI cancel) {
        Checkout pages = checkout;
        if (pages == null) {
            throw new IllegalStateException("no top-up by Stripe: it is not set up");
        }
        return pages.page(tenant, attempt, amount, success, cancel);
    }

    /**
     * Adds the amount at once, marked as a test in the ledger.
     *
     * @param attempt one per form that was shown: sent twice, it counts once, with its first amount
     * @throws IllegalStateException if {@link #means} is not {@link Means#TEST_CARD}
     */
    public void testCard(TenantId tenant, UUID attempt, TopUpAmount amount) {
        if (means() != Means.TEST_CARD) {
            throw new IllegalStateException("no top-up by test card: it is for dev without Stripe alone");
        }
        ledger.post(List.of(PostingGroup.transfer(
                GroupId.of(GroupKind.TEST_TOP_UP, tenant + "/" + attempt),
                tenant,
                clock.instant(),
                amount.money(),
                Account.TEST_CARD,
                Account.creditOf(tenant))));
    }
}
