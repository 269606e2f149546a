package io.agentserver.billing.stripe;

import io.agentserver.billing.ledger.MicroUsd;
import org.junit.jupiter.api.Test;

import java.time.Duration;

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
    void one_payment_that_cannot_be_posted_keeps_no_other_from_being_posted_and_is_told() {
        String broken = paid(2_500);
        paid(700);
        stripe.loseStatus(broken);

        assertThatThrownBy(() -> sweep().postMissing())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(broken);

        assertThat(credit()).isEqualTo(dollars(7));
    }

    private PaymentSweep sweep() {
        return new PaymentSweep(account, ledger, clock);
    }
}
