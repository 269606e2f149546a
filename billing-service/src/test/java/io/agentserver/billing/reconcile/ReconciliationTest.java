package io.agentserver.billing.reconcile;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.UsageTopic;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.stripe.StripePayments;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** The real topic, which other tests write to as well: only what names this test's tenant is looked at. */
class ReconciliationTest {
    @TempDir
    static Path directory;

    private static ServiceTokens tokens;

    private final TenantId tenant = Calls.newTenant();
    private final MemoryLedgerStore store = new MemoryLedgerStore();

    private BufferDouble buffer;
    private SlotReceipts slots;
    private StripePayments stripe;

    @BeforeAll
    static void makeTopicAndKey() throws IOException {
        UsageTopic.create();
        Path key = directory.resolve("platform.jwk");
        PlatformKeys.createIfAbsent(key);
        tokens = new ServiceTokens(PlatformKeys.load(key), Clock.systemUTC());
    }

    @BeforeEach
    void start() throws IOException {
        buffer = new BufferDouble();
        slots = new SlotReceipts(buffer.address(), tokens);
        stripe = new StripePayments(store);
    }

    @AfterEach
    void stop() {
        slots.close();
        buffer.close();
        stripe.close();
    }

    @Test
    void what_agrees_has_no_difference() {
        for (int i = 0; i < 8; i++) {
            UsageRecord call = Calls.call(tenant, Ids.v7());
            slot(call.receipt());
            used(call);
            post(PostingGroup.of(call));
        }
        stripe.pay(tenant, 2_500);
        stripe.postMissing();

        assertThat(differences()).isEmpty();
    }

    /** More batches than are in memory at once. */
    @Test
    void meter_events_of_the_calls_that_name_them_are_none() {
        for (int i = 0; i < 8; i++) {
            for (int n = 0; n <= i; n++) {
                UsageRecord call = Calls.call(tenant, Ids.v7());
                used(call);
                post(PostingGroup.of(call));
            }
            store.seal(tenant, Ids.v7(), Clock.systemUTC().instant());
        }

        assertThat(differences()).isEmpty();
    }

    @Test
    void a_receipt_without_a_usage_record_is_one() {
        UUID receipt = Ids.v7();
        post(PostingGroup.of(call()));
        slot(Ids.v7()); // among others, in another conversation
        slot(Ids.v7());
        slot(Ids.v7());
        slot(receipt);

        assertThat(differences())
                .contains("receipt " + receipt + " in slot 1 of conversation 1 of " + tenant + ": no usage record");
    }

    @Test
    void a_usage_record_that_was_not_posted_is_one() {
        UsageRecord call = call();
        used(call);

        assertThat(differences())
                .containsExactly("receipt " + call.receipt() + " of " + tenant + ": a usage record, but not posted");
    }

    @Test
    void a_posting_without_a_usage_record_is_one() {
        UsageRecord call = call();
        post(PostingGroup.of(call));

        assertThat(differences())
                .containsExactly("receipt " + call.receipt() + " of " + tenant + ": posted, but no usage record");
    }

    @Test
    void a_posting_of_another_amount_is_one() {
        UsageRecord call = call();
        used(call);
        post(new PostingGroup(
                GroupId.ofReceipt(call.receipt()),
                tenant,
                call.at(),
                PostingGroup.of(other(call)).postings(),
                PostingGroup.of(other(call)).usage()));

        assertThat(differences())
                .containsExactly("receipt " + call.receipt() + ": 150 micro-USD posted for " + tenant
                        + ", the usage record says 140 for " + tenant);
    }

    @Test
    void only_the_first_record_of_a_receipt_is_compared() {
        UsageRecord call = call();
        used(call);
        used(other(call));
        post(PostingGroup.of(call));

        assertThat(differences()).isEmpty();
    }

    @Test
    void a_payment_that_was_not_posted_is_one() {
        String payment = stripe.pay(tenant, 2_500);

        assertThat(differences())
                .containsExactly("payment:" + payment + " of " + tenant + ": at Stripe, but not posted");
    }

    @Test
    void a_payment_that_stripe_does_not_know_is_one() {
        post(PostingGroup.transfer(
                GroupId.of(GroupKind.TOP_UP, "pi_forged"),
                tenant,
                Clock.systemUTC().instant(),
                MicroUsd.ofCents(100),
                Account.stripeBalance(false),
                Account.creditOf(tenant)));

        assertThat(differences()).containsExactly("payment:pi_forged of " + tenant + ": posted, but not at Stripe");
    }

    /** A tenant tried with a test key first: the live key's Stripe knows nothing of that, and need not. */
    @Test
    void what_stripes_other_mode_has_is_none() {
        post(PostingGroup.transfer(
                GroupId.of(GroupKind.TOP_UP, "pi_of_the_other_mode"),
                tenant,
                Clock.systemUTC().instant(),
                MicroUsd.ofCents(100),
                Account.stripeBalance(true),
                Account.creditOf(tenant)));

        assertThat(differences()).isEmpty();
    }

    @Test
    void usage_that_stripe_was_not_told_of_for_hours_is_one() {
        UsageRecord call = call();
        used(call);
        post(PostingGroup.of(call));
        UUID batch = Ids.v7();
        store.seal(tenant, batch, Calls.NOON);

        assertThat(differences())
                .containsExactly("meter event " + batch + " of " + tenant
                        + ", 0.000140 USD of 2026-03-14T12:00:00Z: Stripe has not confirmed it");
    }

    @Test
    void a_record_that_was_put_aside_is_one() {
        store.keep(RejectedRecord.of(1, 77, "k", new byte[0], "no JSON", Calls.NOON));

        assertThat(reconciliation().compare().differences())
                .extracting(Difference::text)
                .contains("usage record at partition/offset 1/77 was put aside: no JSON");
    }

    @Test
    void what_is_posted_between_two_looks_is_none() {
        UsageRecord call = call();
        used(call);
        Reconciliation patient = new Reconciliation(
                store,
                store,
                new KafkaUsageRecords(Brokers.plain(TestStores.kafka())) {
                    @Override
                    void forEach(java.util.function.Consumer<UsageRecord> visitor) {
                        super.forEach(visitor);
                        looks++;
                        if (looks == 2) {
                            post(PostingGroup.of(call));
                        }
                    }
                },
                slots,
                stripe.sweep(),
                Clock.systemUTC(),
                Duration.ZERO,
                directory);

        assertThat(texts(patient.compare())).isEmpty();
        assertThat(looks).isGreaterThanOrEqualTo(2);
    }

    /** The job reads the ledger for minutes, and calls go on. */
    @Test
    void what_is_called_and_posted_while_it_looks_is_none() {
        post(PostingGroup.of(Calls.call(tenant, Ids.v7(), Clock.systemUTC().instant(), "m", null)));

        assertThat(differences()).isEmpty();
    }

    @Test
    void a_payment_that_cannot_be_read_is_one_and_hides_no_other() {
        String lost = stripe.pay(tenant, 2_500);
        String payment = stripe.pay(tenant, 700);
        stripe.loseStatus(lost);

        assertThat(reconciliation().compare().differences())
                .extracting(Difference::text)
                .anyMatch(text -> text.startsWith(lost + ": cannot be read at Stripe"))
                .contains("payment:" + payment + " of " + tenant + ": at Stripe, but not posted");
    }

    private int looks;

    private UsageRecord call() {
        return Calls.call(tenant, Ids.v7());
    }

    /** The same receipt at 150 instead of 140. */
    private static UsageRecord other(UsageRecord call) {
        return new UsageRecord(
                call.receipt(),
                call.tenant(),
                call.conversation(),
                call.thread(),
                call.message(),
                call.listener(),
                call.route(),
                call.provider(),
                call.model(),
                call.inputTokens(),
                call.cachedInputTokens(),
                call.outputTokens(),
                call.estimated(),
                call.cacheHit(),
                call.stub(),
                call.costMicrousd(),
                150,
                call.at());
    }

    private void slot(UUID receipt) {
        buffer.slot(tenant.value(), receipt);
    }

    private static void used(UsageRecord call) {
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(call);
        }
    }

    private void post(PostingGroup group) {
        store.post(tenant, List.of(group));
    }

    private List<String> differences() {
        return texts(reconciliation().compare());
    }

    private List<String> texts(Report report) {
        return report.differences().stream()
                .map(Difference::text)
                .filter(text -> text.contains(tenant.value()))
                .toList();
    }

    /** Three receipts in memory: what is compared goes through files, and those are split. */
    private Reconciliation reconciliation() {
        return new Reconciliation(
                new Reconciliation.Places(
                        store, store, new KafkaUsageRecords(Brokers.plain(TestStores.kafka())), slots, stripe.sweep()),
                Clock.systemUTC(),
                Duration.ZERO,
                directory,
                3);
    }
}
