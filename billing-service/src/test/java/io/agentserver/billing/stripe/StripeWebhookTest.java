package io.agentserver.billing.stripe;

import com.stripe.net.Webhook;
import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.Posting;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.stripe.StripeWebhook.Outcome;
import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.envelope.Ids;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

/** Events as Stripe sends them, signed by its own library, and what they do to the ledger. */
class StripeWebhookTest extends StripeTest {
    private StripeWebhook webhook;

    @BeforeEach
    void openTheWebhook() {
        webhook = new StripeWebhook(stripe.settings(), new Settlement(account, ledger, false), clock);
    }

    @Test
    void a_payment_is_credit() {
        paid(2_500);

        assertThat(deliver(stripe.event("payment_intent.succeeded"))).isInstanceOf(Outcome.Applied.class);

        assertThat(credit()).isEqualTo(dollars(25));
        assertThat(sums())
                .containsEntry("tenant:" + tenant + ":credit", -25_000_000L)
                .containsEntry("test:stripe:balance", 25_000_000L);
    }

    @Test
    void two_events_for_one_payment_are_one_credit() {
        paid(2_500);

        deliver(stripe.event("checkout.session.completed"));
        deliver(stripe.event("payment_intent.succeeded"));

        assertThat(credit()).isEqualTo(dollars(25));
    }

    @Test
    void the_same_event_ten_times_at_once_is_one_credit() throws Exception {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");

        List<Future<Outcome>> deliveries = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 10; i++) {
                deliveries.add(threads.submit(() -> deliver(event)));
            }
        }

        for (Future<Outcome> delivery : deliveries) {
            assertThat(delivery.get()).isInstanceOf(Outcome.Applied.class);
        }
        assertThat(credit()).isEqualTo(dollars(25));
    }

    @Test
    void a_refund_that_is_told_before_its_payment_has_the_same_end() {
        stripe.refund(paid(2_500), 1_000);

        deliver(stripe.event("charge.refund.updated"));
        assertThat(credit()).isEqualTo(dollars(15));
        deliver(stripe.event("payment_intent.succeeded"));

        assertThat(credit()).isEqualTo(dollars(15));
    }

    @Test
    void events_in_any_order_and_number_have_the_same_end() {
        long seed = System.nanoTime();
        System.out.println("order of events: seed " + seed);
        String first = paid(2_500);
        String second = paid(10_000);
        stripe.refund(first, 500);
        stripe.failRefund(stripe.refund(second, 10_000));
        stripe.decide(stripe.dispute(first), "won");
        stripe.decide(stripe.dispute(second), "lost");
        List<String> events = new ArrayList<>(stripe.events());
        events.addAll(stripe.events());
        Collections.shuffle(events, new Random(seed));

        events.forEach(this::deliver);

        assertThat(credit()).isEqualTo(dollars(25 - 5));
        assertThat(sums()).containsEntry("test:stripe:balance", 20_000_000L).containsEntry("test:stripe:disputed", 0L);
    }

    @Test
    void an_event_three_days_late_counts_as_one_in_time() {
        paid(2_500);
        clock.pass(Duration.ofDays(3));

        deliver(stripe.event("payment_intent.succeeded"));

        assertThat(credit()).isEqualTo(dollars(25));
    }

    @Test
    void a_dispute_after_the_credit_is_spent_leaves_less_than_nothing() {
        String payment = paid(500);
        deliver(stripe.event("payment_intent.succeeded"));
        spend(500 * 10_000);

        String dispute = stripe.dispute(payment);
        deliver(stripe.event("charge.dispute.created"));
        assertThat(credit()).isEqualTo(dollars(-5));

        stripe.decide(dispute, "won");
        deliver(stripe.event("charge.dispute.closed"));
        assertThat(credit()).isEqualTo(MicroUsd.ZERO);
    }

    @Test
    void a_lost_dispute_stays_taken_and_leaves_nothing_in_dispute() {
        String dispute = stripe.dispute(paid(500));
        deliver(stripe.event("charge.dispute.created"));

        stripe.decide(dispute, "lost");
        deliver(stripe.event("charge.dispute.closed"));

        assertThat(credit()).isEqualTo(MicroUsd.ZERO);
        assertThat(sums()).containsEntry("test:stripe:disputed", 0L).containsEntry("test:stripe:balance", 0L);
    }

    @Test
    void an_inquiry_moves_no_money() {
        stripe.decide(stripe.dispute(paid(500)), "warning_needs_response");

        deliver(stripe.event("charge.dispute.closed"));

        assertThat(credit()).isEqualTo(dollars(5));
    }

    @Test
    void a_refund_that_does_not_arrive_is_given_back() {
        String refund = stripe.refund(paid(2_500), 2_500);
        deliver(stripe.event("charge.refund.updated"));
        assertThat(credit()).isEqualTo(MicroUsd.ZERO);

        stripe.failRefund(refund);
        deliver(stripe.event("refund.failed"));

        assertThat(credit()).isEqualTo(dollars(25));
    }

    @Test
    void each_object_at_stripe_has_one_posting_group() {
        String payment = paid(2_500);
        String refund = stripe.refund(payment, 100);

        stripe.events().forEach(this::deliver);

        assertThat(groups().stream().map(PostingGroup::id).map(Object::toString))
                .containsExactlyInAnyOrder("payment:" + payment, "refund:" + refund);
    }

    @Test
    void another_payment_of_our_account_is_none_of_our_business() {
        stripe.foreignPayment();

        assertThat(deliver(stripe.event("payment_intent.succeeded"))).isInstanceOf(Outcome.Ignored.class);
        assertThat(groups()).isEmpty();
    }

    @Test
    void an_event_about_something_else_is_taken_and_means_nothing() {
        paid(2_500);

        assertThat(deliver(changed(event ->
                        ((ObjectNode) event.get("data")).putObject("object").put("object", "payout"))))
                .isInstanceOf(Outcome.Ignored.class);
        assertThat(groups()).isEmpty();
    }

    @Test
    void an_unsigned_event_is_refused() {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");
        long now = clock.instant().getEpochSecond();

        for (String header : List.of(
                "",
                "t=,v1=",
                "t",
                "v1=00",
                "t=soon,v1=00",
                "t=" + now,
                "t=" + now + ",v1=" + "0".repeat(64),
                StripeDouble.signed(event + " ", now),
                StripeDouble.signed(event, now).replace("v1=", "v0="))) {
            assertRefused(webhook.receive(event, header));
        }
    }

    @Test
    void an_event_signed_with_another_secret_is_refused() throws Exception {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");

        assertRefused(webhook.receive(
                event,
                Webhook.Signature.generateSignatureHeader(
                        event, "whsec_another", clock.instant().getEpochSecond())));
    }

    @ParameterizedTest
    @ValueSource(longs = {-301, 301, -86_400, 86_400})
    void a_signature_more_than_300_seconds_away_is_refused(long seconds) {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");

        assertRefused(webhook.receive(
                event, StripeDouble.signed(event, clock.instant().getEpochSecond() + seconds)));
    }

    @ParameterizedTest
    @ValueSource(longs = {-300, -1, 1, 300})
    void a_signature_within_300_seconds_is_taken(long seconds) {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");

        assertThat(webhook.receive(
                        event, StripeDouble.signed(event, clock.instant().getEpochSecond() + seconds)))
                .isInstanceOf(Outcome.Applied.class);
    }

    @Test
    void an_event_of_another_account_is_refused_and_one_of_ours_taken() {
        paid(2_500);

        assertRefused(deliver(changed(event -> event.put("account", "acct_another"))));
        assertRefused(deliver(changed(event -> event.put("context", "acct_another"))));
        assertRefused(deliver(changed(event -> event.putNull("account").put("context", "acct_another"))));
        assertThat(deliver(changed(event -> event.put("account", StripeDouble.ACCOUNT))))
                .isInstanceOf(Outcome.Applied.class);
    }

    @Test
    void an_event_of_the_other_mode_is_refused() {
        paid(2_500);

        assertRefused(deliver(changed(event -> event.put("livemode", true))));
        assertRefused(deliver(changed(event -> event.put("livemode", "false"))));
        assertRefused(deliver(changed(event -> event.remove("livemode"))));
    }

    @Test
    void a_payment_that_is_of_the_other_mode_itself_is_refused() {
        stripe.makeLive(paid(2_500));

        assertRefused(deliver(stripe.event("payment_intent.succeeded")));
    }

    @Test
    void an_event_about_a_payment_that_is_not_ours_is_refused() {
        paid(2_500);

        assertRefused(
                deliver(changed(event -> ((ObjectNode) event.get("data").get("object")).put("id", "pi_of_somebody"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "\"event\"", "{\"object\":\"v2.core.event\"}", "{}"})
    void what_is_no_event_is_refused_though_it_is_signed(String body) {
        assertRefused(deliver(body));
    }

    @Test
    void while_stripe_is_away_nothing_is_known_and_the_event_comes_again() {
        paid(2_500);
        String event = stripe.event("payment_intent.succeeded");
        stripe.away(true);

        assertThatThrownBy(() -> deliver(event)).isInstanceOf(PaymentsAwayException.class);
        assertThat(groups()).isEmpty();
        stripe.away(false);
        deliver(event);

        assertThat(credit()).isEqualTo(dollars(25));
    }

    private Outcome deliver(String event) {
        return webhook.receive(event, StripeDouble.signed(event, clock.instant().getEpochSecond()));
    }

    /** The event of a payment, changed before it is signed. */
    private String changed(Consumer<ObjectNode> change) {
        ObjectNode event = (ObjectNode) StripeDouble.JSON.readTree(stripe.event("payment_intent.succeeded"));
        change.accept(event);
        return event.toString();
    }

    private void assertRefused(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Outcome.Refused.class);
        assertThat(groups()).isEmpty();
    }

    private void spend(long microUsd) {
        var call = Calls.call(tenant, Ids.v7());
        ledger.post(List.of(PostingGroup.transfer(
                io.agentserver.billing.ledger.GroupId.ofReceipt(call.receipt()),
                tenant,
                clock.instant(),
                new MicroUsd(microUsd),
                Account.creditOf(tenant),
                Account.LLM_REVENUE)));
    }

    private List<PostingGroup> groups() {
        List<PostingGroup> groups = new ArrayList<>();
        store.forEach(groups::add, broken -> fail(broken.toString()));
        return groups;
    }

    private Map<String, Long> sums() {
        Map<String, Long> sums = new TreeMap<>();
        for (PostingGroup group : groups()) {
            assertThat(group.id().kind()).isNotEqualTo(GroupKind.OTHER);
            for (Posting posting : group.postings()) {
                sums.merge(posting.account().name(), posting.amount().value(), Long::sum);
            }
        }
        return sums;
    }
}
