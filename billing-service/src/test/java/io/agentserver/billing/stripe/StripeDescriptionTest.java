package io.agentserver.billing.stripe;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.envelope.Ids;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** What we send is what Stripe's description asks for, and what the double answers is what it promises. */
class StripeDescriptionTest extends StripeTest {
    private StripeDescription description;

    @BeforeEach
    void readDescription() {
        String file = System.getProperty("stripe.description", "");
        Assumptions.assumeTrue(
                !file.isEmpty() && Files.isReadable(Path.of(file)),
                "SKIPPED: no description of Stripe's API; give it with -Dstripe.description=<OpenAPI file, JSON>");
        description = new StripeDescription(Path.of(file));
    }

    @Test
    void every_call_and_every_answer_is_as_described() {
        String payment = paid(2_500);
        stripe.refund(payment, 100);
        stripe.decide(stripe.dispute(payment), "lost");
        new Settlement(account, ledger, false).settle(payment);
        new Settlement(account, ledger, false).settle("pi_of_nobody");
        new PaymentSweep(account, ledger, clock).postMissing();

        assertThat(stripe.calls.stream()
                        .map(call -> call.method() + " " + call.path().replaceAll("pi_.*", "{id}"))
                        .collect(Collectors.toSet()))
                .containsExactlyInAnyOrder(
                        "POST /v1/customers",
                        "POST /v1/checkout/sessions",
                        "GET /v1/payment_intents",
                        "GET /v1/payment_intents/{id}",
                        "GET /v1/refunds",
                        "GET /v1/disputes");
        for (StripeDouble.Call call : List.copyOf(stripe.calls)) {
            assertThat(description.problems(call))
                    .as(call.method() + " " + call.path() + " " + call.form() + " -> " + call.answer())
                    .isEmpty();
        }
    }

    @Test
    void meter_events_alone_are_newer_than_the_description() {
        paid(2_500);
        ledger.post(List.of(PostingGroup.of(Calls.call(tenant, Ids.v7()))));
        new MeterEvents(store, store, account, clock).tell();

        Set<String> undescribed = stripe.calls.stream()
                .filter(call -> !description.describes(call))
                .map(StripeDouble.Call::path)
                .collect(Collectors.toSet());
        assertThat(undescribed).isSubsetOf("/v1/billing/meter_events");
    }

    @Test
    void a_wrong_call_would_be_noticed() {
        assertThat(description.problems(call(Map.of("success_url", "https://x", "colour", "red"))))
                .contains(".colour: not described");
        assertThat(description.problems(call(Map.of("mode", "gift"))))
                .anySatisfy(problem -> assertThat(problem).startsWith(".mode: <gift> is none of"))
                .contains(".success_url: required");
        assertThat(description.problems(call(Map.of("success_url", "https://x", "line_items[0][quantity]", "one"))))
                .contains(".line_items[0].quantity: <one> is not \"integer\"");
    }

    private static StripeDouble.Call call(Map<String, String> form) {
        return new StripeDouble.Call(
                "POST", "/v1/checkout/sessions", form, null, 400, "{\"error\":{\"type\":\"invalid_request_error\"}}");
    }
}
