package io.agentserver.billing.stripe;

import io.agentserver.billing.Calls;
import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.billing.topup.TopUpAmount;
import org.junit.jupiter.api.Test;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class StripeAccountTest extends StripeTest {
    private final UUID attempt = UUID.randomUUID();

    @Test
    void a_page_to_pay_on_is_the_tenants_and_of_the_amount() {
        URI page = page(attempt, 2_500);

        assertThat(page.toString()).startsWith("https://checkout.stripe.test/");
        StripeDouble.Call call = stripe.calls.getLast();
        assertThat(call.form())
                .containsEntry("mode", "payment")
                .containsEntry("metadata[tenant]", tenant.value())
                .containsEntry("payment_intent_data[metadata][tenant]", tenant.value())
                .containsEntry("line_items[0][price_data][unit_amount]", "2500")
                .containsEntry("line_items[0][price_data][currency]", "usd")
                .containsEntry("line_items[0][quantity]", "1")
                .containsEntry("success_url", SUCCESS.toString())
                .containsEntry("cancel_url", CANCEL.toString());
    }

    @Test
    void the_same_attempt_again_is_the_same_page() {
        assertThat(page(attempt, 2_500)).isEqualTo(page(attempt, 2_500));

        assertThat(stripe.number("checkout.session")).isEqualTo(1);
    }

    @Test
    void another_amount_or_attempt_is_another_page() {
        assertThat(List.of(page(attempt, 2_500), page(attempt, 2_600), page(UUID.randomUUID(), 2_500)))
                .doesNotHaveDuplicates();
    }

    @Test
    void stripe_times_out_after_it_created_and_there_is_one_page() {
        account.customer(tenant);
        stripe.answerNothingAfterDoingNext();

        URI page = page(attempt, 2_500);

        assertThat(stripe.number("checkout.session")).isEqualTo(1);
        assertThat(page.toString()).endsWith("cs_00000002");
        assertThat(stripe.calls.stream()
                        .filter(call -> call.path().equals("/v1/checkout/sessions"))
                        .map(StripeDouble.Call::idempotencyKey))
                .hasSize(2)
                .containsOnly("agentserver:checkout:" + tenant + ":" + attempt + ":2500:" + account.customer(tenant));
    }

    @Test
    void a_customer_that_was_deleted_at_stripe_is_made_anew_and_the_payment_goes_on() {
        page(UUID.randomUUID(), 500);
        String gone = account.customer(tenant);
        stripe.deleteCustomer(gone);

        URI page = page(attempt, 2_500);

        String customer = account.customer(tenant);
        assertThat(customer).isNotEqualTo(gone);
        assertThat(stripe.calls.getLast().form())
                .containsEntry("customer", customer)
                .containsEntry("metadata[tenant]", tenant.value());
        assertThat(page(attempt, 2_500)).as("the same attempt").isEqualTo(page);
        assertThat(stripe.number("customer")).isEqualTo(2);

        stripe.deleteCustomer(customer); // and another time
        page(UUID.randomUUID(), 2_500);
        assertThat(stripe.number("customer")).isEqualTo(3);
    }

    @Test
    void a_failure_that_passes_is_not_noticed() {
        stripe.failNext(2);

        page(attempt, 2_500);

        assertThat(stripe.number("customer")).isEqualTo(1);
        assertThat(stripe.number("checkout.session")).isEqualTo(1);
    }

    @Test
    void a_stripe_that_is_away_is_told_and_the_attempt_can_be_made_again() {
        stripe.away(true);
        assertThatThrownBy(() -> page(attempt, 2_500))
                .isInstanceOf(PaymentsAwayException.class)
                .hasMessageContaining("status 500");
        stripe.away(false);

        page(attempt, 2_500);

        assertThat(stripe.number("checkout.session")).isEqualTo(1);
    }

    @Test
    void a_tenant_has_one_customer_however_many_ask_at_once() throws Exception {
        List<Future<String>> asking = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 10; i++) {
                asking.add(threads.submit(() -> account.customer(tenant)));
            }
        }

        String customer = account.customer(tenant);
        for (Future<String> each : asking) {
            assertThat(each.get()).isEqualTo(customer);
        }
        assertThat(stripe.number("customer")).isEqualTo(1);
        assertThat(account.customer(Calls.newTenant())).isNotEqualTo(customer);
    }

    private URI page(UUID attempt, int cents) {
        return account.page(tenant, attempt, new TopUpAmount(cents), SUCCESS, CANCEL);
    }
}
