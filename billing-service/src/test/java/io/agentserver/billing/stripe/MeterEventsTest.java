package io.agentserver.billing.stripe;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.BatchCalls;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Each call's price is 140 micro-USD. */
class MeterEventsTest extends StripeTest {
    /** For Stripe to take it. */
    private static final Duration TOO_OLD = Duration.ofDays(36);

    @Test
    void what_was_posted_is_told_once() {
        post(3);

        tell();
        tell();

        assertThat(metered()).isEqualTo(420);
        assertThat(totals()).isEqualTo(new MeterOutbox.Totals(MicroUsd.ZERO, MicroUsd.ZERO, new MicroUsd(420)));
        assertThat(stripe.calls.getLast().form())
                .containsEntry("event_name", "agentserver_llm_usage")
                .containsEntry("payload[value]", "420");
    }

    @Test
    void the_identifier_that_stripe_has_leads_to_each_receipt_and_each_receipt_to_it() {
        List<PostingGroup> calls = post(3);
        tell();
        post(2);
        tell();

        UUID first = identifiers().getFirst();
        SealedBatch batch = store.sealed(first).orElseThrow();
        assertThat(store.isTold(batch)).isTrue();
        List<GroupId> found = new ArrayList<>();
        assertThat(new BatchCalls(store).forEach(batch, call -> found.add(call.id())))
                .as("not found")
                .isZero();
        assertThat(found)
                .containsExactlyInAnyOrderElementsOf(
                        calls.stream().map(PostingGroup::id).toList());
        assertThat(calls)
                .extracting(call -> Objects.requireNonNull(
                        store.find(call.id()).orElseThrow().batch()))
                .extracting(number -> store.sealed(tenant, number).orElseThrow().id())
                .containsOnly(first);
    }

    @Test
    void what_is_posted_later_is_told_later() {
        post(1);
        tell();
        post(2);
        tell();

        assertThat(metered()).isEqualTo(420);
    }

    @Test
    void a_tenant_that_used_nothing_is_not_told_of() {
        paid(500);
        tell();

        assertThat(stripe.calls).noneMatch(call -> call.path().equals("/v1/billing/meter_events"));
    }

    @Test
    void a_crash_after_telling_and_before_noting_it_tells_no_second_time() {
        post(3);
        MeterEvents crashing = new MeterEvents(store, new Crashing(store), account, clock);
        assertThatThrownBy(crashing::tell).hasMessage("killed here");

        tell();

        assertThat(metered()).isEqualTo(420);
        assertThat(totals().told()).isEqualTo(new MicroUsd(420));
    }

    @Test
    void stripe_that_takes_it_and_does_not_say_so_has_it_once() {
        account.customer(tenant);
        post(3);
        for (int i = 0; i < 3; i++) {
            stripe.answerNothingAfterDoingNext();
        }

        tell();
        assertThat(totals().pending()).isEqualTo(new MicroUsd(420));
        tell();

        assertThat(metered()).isEqualTo(420);
        assertThat(totals().told()).isEqualTo(new MicroUsd(420));
    }

    @Test
    void while_stripe_is_away_usage_waits_and_more_gathers() {
        stripe.away(true);
        post(1);
        tell();
        post(1);
        tell();
        stripe.away(false);

        tell();

        assertThat(metered()).isEqualTo(280);
    }

    @Test
    void one_tenants_failure_keeps_no_other_from_being_told() {
        TenantId other = Calls.newTenant();
        post(1);
        ledger.post(List.of(PostingGroup.of(Calls.call(other, Ids.v7()))));
        store.seal(other, UUID.randomUUID(), clock.instant().minus(TOO_OLD)); // a 400

        tell();

        assertThat(metered()).isEqualTo(140);
        assertThat(store.pending(other))
                .singleElement()
                .satisfies(batch -> assertThat(batch.firstTried()).isNull());
    }

    @Test
    void one_tenants_failing_seal_keeps_neither_others_nor_its_own_earlier_batch_from_being_told() {
        TenantId other = Calls.newTenant();
        ledger.post(List.of(PostingGroup.of(Calls.call(other, Ids.v7()))));
        store.seal(other, UUID.randomUUID(), clock.instant());
        post(1);
        LedgerStore otherFirst =
                proxy(LedgerStore.class, store, "tenants", _ -> new LinkedHashSet<>(List.of(other, tenant)));
        MeterOutbox failing = proxy(MeterOutbox.class, store, "seal", given -> {
            if (given[0].equals(other)) {
                throw new IllegalStateException("no number");
            }
            store.seal((TenantId) given[0], (UUID) given[1], (Instant) given[2]);
            return Optional.empty();
        });

        assertThatThrownBy(() -> new MeterEvents(otherFirst, failing, account, clock).tell())
                .as("it counts as a failure of the job")
                .hasMessage("no number");

        assertThat(metered()).isEqualTo(140);
        assertThat(stripe.metered(account.customer(other))).isEqualTo(140);
    }

    @Test
    void a_store_that_is_away_is_not_asked_for_each_tenant() {
        List<TenantId> many = Stream.generate(Calls::newTenant).limit(100).toList();
        List<Object> asked = new ArrayList<>();
        LedgerStore ofMany = proxy(LedgerStore.class, store, "tenants", _ -> new LinkedHashSet<>(many));
        MeterOutbox away = proxy(MeterOutbox.class, store, "seal", given -> {
            asked.add(given[0]);
            throw new IllegalStateException("away");
        });

        assertThatThrownBy(() -> new MeterEvents(ofMany, away, account, clock).tell())
                .hasMessage("away");

        assertThat(asked).hasSize(20);
    }

    private static <T> T proxy(Class<T> port, Object real, String name, Function<Object[], Object> instead) {
        return port.cast(Proxy.newProxyInstance(port.getClassLoader(), new Class<?>[] {port}, (_, method, given) -> {
            if (!method.getName().equals(name)) {
                return method.invoke(real, given);
            }
            Object answer = instead.apply(given);
            return method.getReturnType() == void.class ? null : answer;
        }));
    }

    @Test
    void what_may_have_arrived_long_ago_is_left_for_a_person() {
        account.customer(tenant);
        post(3);
        stripe.away(true); // a 500: it may have been done
        tell();
        stripe.away(false);
        clock.pass(MeterEvents.RECOGNISED.plusMinutes(1));

        tell();

        assertThat(metered()).isZero();
        assertThat(store.pending(tenant))
                .singleElement()
                .satisfies(batch -> assertThat(batch.firstTried()).isNotNull());
    }

    @Test
    void what_certainly_did_not_arrive_is_told_however_late() {
        post(3);
        store.seal(tenant, UUID.randomUUID(), clock.instant().minus(TOO_OLD)); // a 400
        tell();
        clock.pass(Duration.ofDays(3));

        tell();

        assertThat(stripe.calls.stream().filter(call -> call.path().equals("/v1/billing/meter_events")))
                .hasSize(2);
    }

    @Test
    void usage_of_a_customer_that_was_deleted_at_stripe_is_told_of_another() {
        String gone = account.customer(tenant);
        stripe.deleteCustomer(gone);
        post(3);

        tell();

        assertThat(account.customer(tenant)).isNotEqualTo(gone);
        assertThat(metered()).isEqualTo(420);
        assertThat(totals().told()).isEqualTo(new MicroUsd(420));
    }

    private List<PostingGroup> post(int calls) {
        List<PostingGroup> groups = Stream.generate(() -> PostingGroup.of(Calls.call(tenant, Ids.v7())))
                .limit(calls)
                .toList();
        ledger.post(groups);
        return groups;
    }

    private List<UUID> identifiers() {
        return stripe.calls.stream()
                .filter(call -> call.path().equals("/v1/billing/meter_events"))
                .map(call -> UUID.fromString(call.form().get("identifier")))
                .toList();
    }

    private void tell() {
        new MeterEvents(store, store, account, clock).tell();
    }

    private long metered() {
        return stripe.metered(account.customer(tenant));
    }

    private MeterOutbox.Totals totals() {
        return store.totals(tenant);
    }

    /** Dies where it should note that Stripe has it. */
    private record Crashing(MeterOutbox outbox) implements MeterOutbox {
        @Override
        public void seal(TenantId tenant, UUID id, Instant at) {
            outbox.seal(tenant, id, at);
        }

        @Override
        public List<MeterBatch> pending(TenantId tenant) {
            return outbox.pending(tenant);
        }

        @Override
        public void tried(MeterBatch batch, Instant at) {
            outbox.tried(batch, at);
        }

        @Override
        public void untried(MeterBatch batch) {
            outbox.untried(batch);
        }

        @Override
        public void told(MeterBatch batch) {
            throw new IllegalStateException("killed here");
        }

        @Override
        public Open open(TenantId tenant) {
            return outbox.open(tenant);
        }

        @Override
        public void forEachEvent(TenantId tenant, Consumer<MeterBatch> visitor) {
            outbox.forEachEvent(tenant, visitor);
        }

        @Override
        public Totals totals(TenantId tenant) {
            return outbox.totals(tenant);
        }

        @Override
        public Optional<SealedBatch> sealed(TenantId tenant, long number) {
            return outbox.sealed(tenant, number);
        }

        @Override
        public Optional<SealedBatch> sealed(UUID id) {
            return outbox.sealed(id);
        }

        @Override
        public void forEachSealed(TenantId tenant, Consumer<SealedBatch> visitor) {
            outbox.forEachSealed(tenant, visitor);
        }

        @Override
        public boolean isTold(SealedBatch batch) {
            return outbox.isTold(batch);
        }
    }
}
