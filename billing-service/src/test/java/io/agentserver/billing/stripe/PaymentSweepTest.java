package io.agentserver.billing.stripe;

import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.topup.PaymentsAwayException;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PaymentSweepTest extends StripeTest {
    @Test
    void a_payment_whose_events_never_came_is_found() {
        paid(2_500);

        sweep().postMissing();

        assertThat(credit()).isEqualTo(dollars(25));
        assertThat(sweep().missing()).isEmpty();
    }

    @Test
    void a_refund_and_a_dispute_of_a_payment_from_long_ago_are_found() {
        String payment = paid(2_500);
        sweep().postMissing();
        clock.pass(PaymentSweep.REACH.plusDays(1));
        stripe.refund(payment, 500);
        stripe.dispute(payment);

        sweep().postMissing();

        assertThat(credit()).isEqualTo(new MicroUsd(-5_000_000));
    }

    @Test
    void what_was_posted_by_an_event_is_not_posted_again() {
        paid(2_500);
        sweep().postMissing();

        sweep().postMissing();

        assertThat(ledger.balance(tenant).version()).isEqualTo(1);
    }

    @Test
    void more_than_a_page_of_payments_is_walked_through() {
        for (int i = 0; i < 103; i++) {
            paid(500);
            clock.pass(Duration.ofSeconds(1));
        }
        stripe.foreignPayment();

        sweep().postMissing();

        assertThat(credit()).isEqualTo(dollars(5 * 103));
    }

    @Test
    void what_a_page_has_is_posted_before_the_next_is_asked_for() {
        for (int i = 0; i < 250; i++) {
            paid(500);
            clock.pass(Duration.ofSeconds(1));
        }
        List<Long> pages = new ArrayList<>();
        Ledger watched = new Ledger(store, (_, _) -> {
            pages.add(pages("/v1/payment_intents"));
            if (pages.size() == 150) {
                stripe.away(true); // for the third page
            }
        });

        assertThatThrownBy(() -> new PaymentSweep(account, watched, clock).postMissing())
                .isInstanceOf(PaymentsAwayException.class);

        assertThat(credit()).isEqualTo(dollars(5 * 200));
        assertThat(pages.subList(0, 100)).containsOnly(1L);
        assertThat(pages.subList(100, 200)).containsOnly(2L);

        stripe.away(false);
        sweep().postMissing();
        assertThat(credit()).isEqualTo(dollars(5 * 250));
    }

    @Test
    void refunds_and_disputes_of_several_pages_are_found_and_those_that_are_posted_are_not_asked_about_again() {
        List<String> payments = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            payments.add(paid(500));
            clock.pass(Duration.ofSeconds(1));
        }
        payments.forEach(payment -> stripe.refund(payment, 100));
        String disputed = stripe.dispute(payments.getFirst());
        String failed = stripe.refund(payments.getLast(), 200);
        sweep().postMissing();
        assertThat(credit()).isEqualTo(dollars(5 * 120 - 120 - 5 - 2));

        stripe.calls.clear();
        sweep().postMissing();
        assertThat(stripe.calls).noneMatch(call -> call.path().startsWith("/v1/payment_intents/"));
        assertThat(pages("/v1/refunds")).isEqualTo(2);

        stripe.decide(disputed, "won");
        stripe.failRefund(failed);
        sweep().postMissing();
        assertThat(credit()).isEqualTo(dollars(5 * 120 - 120));
        assertThat(sweep().missing()).isEmpty();
    }

    @Test
    void one_payment_that_cannot_be_posted_keeps_no_other_from_being_posted_and_is_told() {
        String broken = paid(2_500);
        paid(700);
        stripe.loseStatus(broken);

        assertThatThrownBy(() -> sweep().postMissing())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(broken);

        assertThat(credit()).isEqualTo(dollars(7));
    }

    /** How many pages of a list were asked for. */
    private long pages(String path) {
        return List.copyOf(stripe.calls).stream()
                .filter(call -> call.path().equals(path) && call.status() == 200)
                .count();
    }

    private PaymentSweep sweep() {
        return new PaymentSweep(account, ledger, clock);
    }
}
